"""reconcile_stores while others write, when it is cut off, and where so much differs that nothing may be touched."""

import asyncio
import time
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.reconcile_stores import reconcile_stores
from shared import services
from shared.errors import Transient
from shared.stores.cosmos import Document
from shared.sync import reconcile_windows
from shared.sync.reconcile_tables import Tables
from tests.integration.reconcile_place import LiveDocuments, Stores

pytest_plugins = ["tests.integration.reading_fixtures", "tests.integration.reconcile_fixtures"]


def pages_until(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Break whatever reads the page after `last`."""
    passed = iter(range(last))

    def broken(_: str) -> None:
        if next(passed, None) is None:
            raise RuntimeError("cut off")

    monkeypatch.setattr(reconcile_windows, "failpoint", broken)


@pytest.mark.parametrize(("differing", "refused"), [(20, False), (21, True)])
async def test_more_than_the_least_and_a_percent_is_refused(stores: Stores, differing: int, *, refused: bool) -> None:
    written = await stores.fill(100)
    stores.sql("UPDATE interactions SET content = 'another'", written[:differing])
    run = await stores.reconciler().run()
    tally = stores.tally(run)
    assert (tally.refused, tally.repaired) == (refused, 0 if refused else differing)
    others = stores.place.rows("SELECT 1 FROM interactions WHERE content = 'another'")
    assert len(others) == (differing if refused else 0)
    assert len(stores.findings()["other_content"]) == differing


async def test_a_percent_counts_where_there_are_many(stores: Stores) -> None:
    written = await stores.fill(2500)
    stores.sql("UPDATE interactions SET content = 'another'", written[:25])
    run = await stores.reconciler().run()
    assert (stores.tally(run).refused, stores.tally(run).repaired) == (False, 25)


async def test_what_was_refused_is_repaired_when_the_operator_allows_it(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    written = await stores.fill(50)
    stores.sql("UPDATE interactions SET content = 'another'", written)
    await stores.reconciler().run()
    assert "reconcile.refused" in caplog.text
    assert written[0]["id"] not in caplog.text
    await stores.reconciler(refuse_share=1.0).run()
    assert stores.findings(still_open=True) == {}
    await stores.agree()


async def test_many_small_windows_that_differ_are_refused_as_one(stores: Stores) -> None:
    written = await stores.fill(60)
    stores.sql("UPDATE interactions SET content = 'another'", written)
    run = await stores.reconciler(window=5, page=5).run()
    left = stores.place.rows("SELECT 1 FROM interactions WHERE content = 'another'")
    assert stores.tally(run).refused
    assert len(left) >= 60 - 20


async def test_an_empty_cosmos_db_is_refused_however_few_rows_there_are(stores: Stores) -> None:
    written = await stores.fill(5)
    await stores.remove(written)
    run = await stores.reconciler().run()
    assert (stores.tally(run).refused, stores.tally(run).differing) == (True, 5)
    assert len(stores.place.in_postgres()) == 5


async def test_an_empty_postgres_is_refused(stores: Stores) -> None:
    written = await stores.fill(30)
    stores.sql("DELETE FROM interactions", written)
    run = await stores.reconciler().run()
    assert stores.tally(run).refused
    assert stores.place.in_postgres() == {}


async def test_what_changes_between_the_two_readings_is_no_finding(stores: Stores) -> None:
    written = await stores.fill(5)
    await asyncio.sleep(1.01 - time.time() % 1)
    hub = stores.place.hub

    async def change_and_apply() -> None:
        await hub.sync.apply_changes(await stores.change(written[:1], content=str(uuid.uuid4())))

    live = LiveDocuments(hub.documents, after_page=change_and_apply)
    run = await replace(stores.reconciler(ahead=0), documents=live).run()
    tally = stores.tally(run)
    assert (tally.compared, tally.differing, stores.findings()) == (10, 0, {})


async def test_what_changes_before_the_second_look_is_no_finding(stores: Stores) -> None:
    written = await stores.fill(5)
    await asyncio.sleep(1.01 - time.time() % 1)
    stores.sql("UPDATE interactions SET content = 'another'", written[:1])

    async def change() -> None:
        await stores.change(written[:1], content="newest")

    live = LiveDocuments(stores.place.hub.documents, before_read=change)
    run = await replace(stores.reconciler(ahead=0), documents=live).run()
    assert live.reads
    assert (stores.tally(run).differing, stores.findings()) == (0, {})
    assert stores.place.interaction(written[0]["id"])["content"] == "another"


async def test_what_a_reader_of_the_feed_brings_before_the_second_look_is_no_finding(stores: Stores) -> None:
    await stores.fill(5)
    (late,) = await stores.write([stores.place.document()])
    hub = stores.place.hub

    async def apply() -> None:
        await hub.sync.apply_changes([late])

    live = LiveDocuments(hub.documents, before_read=apply)
    run = await replace(stores.reconciler(), documents=live).run()
    assert live.reads == 1
    assert (stores.tally(run).differing, stores.findings()) == (0, {})
    await stores.agree()


async def test_live_writes_during_runs_give_no_finding(stores: Stores) -> None:
    written = await stores.fill(60)
    writing = True

    async def write() -> int:
        done = 0
        while writing:
            versions = await stores.change(written[done % 50 : done % 50 + 10], content=str(done))
            await asyncio.sleep(0.002)
            await stores.place.hub.sync.apply_changes(versions)
            done += 1
        return done

    writer = asyncio.create_task(write())
    for _ in range(8):
        # What is older than two seconds must be there: the writer needs far less.
        await stores.reconciler(ahead=0, young=timedelta(seconds=2), window=20, page=7).run()
    writing = False
    assert await writer > 3
    assert stores.findings() == {}


@pytest.mark.parametrize("pages", [0, 1, 3, 5, 7])
async def test_a_run_cut_off_at_any_page_is_made_up_for_by_the_next(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    written = await stores.fill(30)
    stores.sql("UPDATE interactions SET content = 'another'", written[:15])
    with monkeypatch.context() as patched:
        pages_until(patched, pages)
        with pytest.raises(RuntimeError, match="cut off"):
            await stores.reconciler(window=10, page=5).run()
    cut = stores.place.rows("SELECT finished_at FROM reconciliations")
    assert [row["finished_at"] for row in cut] in ([], [None])
    await stores.reconciler(window=10, page=5).run()
    assert stores.findings(still_open=True) == {}
    await stores.agree()


@pytest.mark.parametrize("step", ["keep", "apply", "resolve", "move", "finish"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_run_cut_off_at_any_write_is_made_up_for_by_the_next(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    written = await stores.fill(6)
    stores.sql("UPDATE interactions SET content = 'another'", written[:3])
    owner, name = (type(stores.place.hub.sync), "apply_changes") if step == "apply" else (Tables, step)
    real = getattr(owner, name)

    async def cut_off(*arguments: Any, **options: Any) -> None:
        if after:
            await real(*arguments, **options)
        raise RuntimeError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, cut_off)
        with pytest.raises(RuntimeError, match="cut off"):
            await stores.reconciler().run()
    await stores.reconciler().run()
    assert stores.findings(still_open=True) == {}
    await stores.agree()


async def test_two_reconcilers_at_once_repair_once_and_skip_nothing(stores: Stores) -> None:
    written = await stores.fill(60)
    for _ in range(2):
        stores.sql("UPDATE interactions SET content = 'another'", written[:20])
        await asyncio.gather(*(stores.reconciler(window=10, page=5).run() for _ in range(2)))
        await stores.reconciler(window=10, page=5).run()
        assert stores.findings(still_open=True) == {}
        await stores.agree()


async def test_of_two_who_moved_a_position_the_second_counts_nothing(stores: Stores) -> None:
    await stores.fill(3)
    first, second = stores.reconciler(), stores.reconciler(ahead=11)
    moved = False

    async def other_goes_first() -> None:
        nonlocal moved
        if not moved:
            moved = True
            await first.run()

    overtaken = await replace(
        second, documents=LiveDocuments(stores.place.hub.documents, after_page=other_goes_first)
    ).run()
    assert overtaken.tallies == {}
    assert len(stores.place.rows("SELECT 1 FROM reconciliations")) == 1


async def test_too_many_dead_letters_do_not_stop_the_comparison(stores: Stores) -> None:
    written = await stores.fill(2)
    stores.sql("UPDATE interactions SET content = 'another'", written)
    await stores.write([stores.place.document(type="")])
    hub = stores.place.services(DEAD_LETTER_LIMIT="1")
    stores.place.rows(
        "INSERT INTO dead_letters (stage, reason, payload, fingerprint) VALUES ('sync_interactions', 'r', '{}', 'f')"
    )
    await replace(stores.reconciler(), sync=hub.sync).run()
    assert stores.findings(still_open=True) == {}
    assert {row["content"] for row in stores.place.rows("SELECT content FROM interactions")} == {"called back"}
    assert len(stores.place.rows("SELECT 1 FROM dead_letters")) == 1


async def test_a_store_that_is_away_is_met_at_the_next_run(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: object, **__: object) -> Document:
        raise Transient("Cosmos DB: 503")

    written = await stores.fill(2)
    stores.sql("UPDATE interactions SET content = 'another'", written)
    hub = stores.place.services(RECONCILE_AFTER_SECONDS="0")
    monkeypatch.setattr(services, "current", lambda: hub)
    monkeypatch.setattr(hub.documents, "read", away)
    await asyncio.sleep(1.01 - time.time() % 1)
    await reconcile_stores(None)
    assert "reconcile_stores.later" in caplog.text
    monkeypatch.undo()
    monkeypatch.setattr(services, "current", lambda: hub)
    await reconcile_stores(None)
    await stores.agree()
