"""The status of sync: how far behind, what differs, what waits; and the alarm before a tombstone expires unread."""

import asyncio
import json
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from functions import reconcile_stores, sweep_changes
from functions import sync_status as endpoint
from local.stack.ports import free_port
from shared import services
from shared.models.views import SyncStatusView
from shared.sync.pull import PullReader
from shared.sync.status import MOST_FINDINGS, SyncStatus
from tests.integration.reading_place import HeldClock, Place, ScriptedFeed

pytest_plugins = ["tests.integration.reading_fixtures"]

TTL = 1000
HALF = timedelta(seconds=TTL / 2)
SECOND = timedelta(seconds=1)


def status(place: Place, at: datetime) -> SyncStatus:
    return SyncStatus(place.hub.postgres, HeldClock(at), TTL)


async def read(place: Place, at: datetime) -> SyncStatusView:
    return await status(place, at).read()


async def swept(place: Place) -> datetime:
    """Read the feed to its end, and return when that run began."""
    clock = HeldClock()
    assert (await place.reader(clock).sweep()).stopped is None
    return clock.moment


async def test_before_the_first_run_nothing_is_known_and_that_is_an_alert(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    view = await read(place, datetime.now(UTC))
    assert (view.lag_seconds, view.reader, view.alerts) == (None, None, ["feed_never_read"])
    await status(place, datetime.now(UTC)).watch()
    assert [record.getMessage() for record in caplog.records] == ["feed_never_read "]


async def test_the_lag_counts_from_the_begin_of_the_last_run_that_came_to_the_end(place: Place) -> None:
    (document,) = await place.fill(1)
    at = await swept(place)
    view = await read(place, at + timedelta(seconds=90))
    assert (view.lag_seconds, view.alerts) == (90, [])
    assert view.reader
    assert (view.reader.reached_end_at, view.reader.began_why, view.reader.ranges) == (at, "first", 1)
    assert view.reader.last_change_at == datetime.fromtimestamp(document["_ts"], UTC)


async def test_a_run_that_finds_nothing_new_proves_as_much_as_one_that_does(place: Place) -> None:
    await swept(place)
    at = await swept(place)
    assert (await read(place, at + SECOND)).lag_seconds == 1


async def test_a_run_that_did_not_come_to_the_end_proves_nothing_more(place: Place) -> None:
    at = await swept(place)
    await place.fill(2)
    assert (await place.reader(HeldClock(at + SECOND), pages=1, page_size=1).sweep()).stopped
    assert (await read(place, at + 2 * SECOND)).lag_seconds == 2


async def test_in_a_first_read_the_lag_counts_from_its_begin(place: Place) -> None:
    await place.fill(2)
    clock = HeldClock()
    await place.reader(clock, pages=1, page_size=1).sweep()
    view = await read(place, clock.moment + 30 * SECOND)
    assert (view.lag_seconds, view.alerts) == (30, [])
    assert view.reader
    assert view.reader.reached_end_at is None


async def test_a_reading_begun_again_takes_over_what_was_owed(place: Place) -> None:
    at = await swept(place)
    await place.fill(2)
    for days in (1, 2):
        # Refused each time: a reader that only ever begins again must not look as if it were at the end.
        ranges = [{"feed_range": each.feed_range, "token": "%%%"} for each in place.position().ranges]
        place.put_position(json.dumps(json.loads(place.stored()["position"]) | {"ranges": ranges}))
        await place.reader(HeldClock(at + timedelta(days=days)), pages=1).sweep()
        assert place.position().why == "token refused"
    assert (await read(place, at + timedelta(days=3))).lag_seconds == timedelta(days=3).total_seconds()


def errors(log: pytest.LogCaptureFixture) -> list[str]:
    """The names of the errors logged."""
    return [record.getMessage().split()[0] for record in log.records if record.levelno == logging.ERROR]


async def run() -> None:
    """Run the timer's function."""
    await sweep_changes.sweep_changes._function.get_user_function()(None)


@pytest.mark.parametrize("after", [HALF - SECOND, HALF])
async def test_up_to_half_of_the_tombstones_ttl_a_lag_is_no_alert(
    place: Place, after: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    at = await swept(place)
    assert (await read(place, at + after)).alerts == []
    with caplog.at_level(logging.INFO, logger="hub"):
        await status(place, at + after).watch()
    assert errors(caplog) == []
    assert f"feed_lag seconds={after.total_seconds()}" in caplog.text


@pytest.mark.parametrize("after", [HALF + SECOND, timedelta(days=9)])
async def test_a_lag_beyond_half_of_the_tombstones_ttl_is_an_alert_and_an_error_in_the_log(
    place: Place, after: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    at = await swept(place)
    assert (await read(place, at + after)).alerts == ["feed_lag_exceeds_half_of_ttl"]
    await status(place, at + after).watch()
    assert errors(caplog) == ["feed_lag_exceeds_half_of_ttl"]


async def test_the_alarm_is_raised_while_cosmos_db_is_away_too(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at = await swept(place)
    away = f"AccountEndpoint=http://127.0.0.1:{free_port()}/;AccountKey=a2V5;"
    clock = HeldClock(at + HALF + SECOND)
    hub = place.services(clock, HubCosmos=away, TOMBSTONE_TTL_SECONDS=str(TTL))
    monkeypatch.setattr(services, "current", lambda: hub)
    await run()
    assert errors(caplog) == ["feed_lag_exceeds_half_of_ttl"]


async def test_the_alarm_is_raised_when_a_run_breaks_too(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: PullReader) -> None:
        raise RuntimeError("a mistake in the code")

    at = await swept(place)
    hub = place.services(HeldClock(at + HALF + SECOND), TOMBSTONE_TTL_SECONDS=str(TTL))
    monkeypatch.setattr(services, "current", lambda: hub)
    monkeypatch.setattr(PullReader, "sweep", broken)
    with pytest.raises(RuntimeError):
        await run()
    assert errors(caplog) == ["feed_lag_exceeds_half_of_ttl"]


async def test_the_alarm_is_raised_when_the_reader_does_not_run_at_all(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at = await swept(place)
    away = f"AccountEndpoint=http://127.0.0.1:{free_port()}/;AccountKey=a2V5;"
    hub = place.services(HeldClock(at + HALF + SECOND), HubCosmos=away, TOMBSTONE_TTL_SECONDS=str(TTL))
    monkeypatch.setattr(services, "current", lambda: hub)
    await reconcile_stores.reconcile_stores._function.get_user_function()(None)
    assert errors(caplog) == ["feed_lag_exceeds_half_of_ttl"]


async def test_a_tombstone_that_expired_unread_does_not_make_the_lag_smaller(place: Place) -> None:
    at = await swept(place)
    document = await place.write(place.document(deleted=True, ttl=1))
    while [each async for each in place.container.query_items("SELECT c.id FROM c")]:  # noqa: ASYNC110 # expiry tells nobody
        await asyncio.sleep(0.1)
    assert document["id"] not in place.in_postgres()
    assert (await read(place, at + HALF + SECOND)).alerts == ["feed_lag_exceeds_half_of_ttl"]


async def test_open_dead_letters_are_counted_by_step(place: Place) -> None:
    await place.fill(2, content="a\0b")
    at = await swept(place)
    place.rows(
        "UPDATE dead_letters SET state = 'discarded' WHERE state = 'open' AND payload->>'projectId' <> %s",
        str(place.id),
    )
    assert (await read(place, at)).dead_letters == {"sync_interactions": 2}


async def test_the_positions_of_every_reader_are_listed(place: Place) -> None:
    at = await swept(place)
    place.rows("INSERT INTO sync_positions (name, position) VALUES ('sweep_inbound', '2026-01-01-00')")
    listed = {each.name: each.position for each in (await read(place, at)).positions}
    place.rows("DELETE FROM sync_positions WHERE name = 'sweep_inbound'")
    assert listed.keys() == {"changes", "changes.end", "sweep_inbound"}
    assert listed["sweep_inbound"] == "2026-01-01-00"


def compared(place: Place, at: datetime, **counts: Any) -> None:
    """Leave what the comparison of both stores leaves."""
    values = {"finished_at": at, "compared": 10, "differing": 0, "repaired": 0, "waiting": 0, "refused": False} | counts
    place.rows(
        "INSERT INTO reconciliations (project_id, started_at, finished_at, compared, differing, repaired, waiting,"
        " refused) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        place.id, at, *values.values(),
    )  # fmt: skip


def differing(place: Place, *, seconds: int = 0, resolved: bool = False) -> uuid.UUID:
    """Leave a finding that has been known for so long, and return its interaction."""
    interaction = uuid.uuid4()
    place.rows(
        "INSERT INTO reconciliation_findings (project_id, interaction_id, contact_id, kind, first_seen_at,"
        " last_seen_at, resolved_at) VALUES (%s, %s, %s, 'absent_in_cosmos', now() - make_interval(secs => %s), now(),"
        " CASE WHEN %s THEN now() END)",
        place.id, interaction, uuid.uuid4(), seconds, resolved,
    )  # fmt: skip
    return interaction


@pytest.fixture
def _no_drift_left(place: Place) -> Iterator[None]:
    yield
    place.rows("DELETE FROM reconciliations")
    place.rows("DELETE FROM reconciliation_findings")


@pytest.mark.usefixtures("_no_drift_left")
async def test_the_drift_is_what_the_newest_comparison_found(place: Place) -> None:
    at = await swept(place)
    assert (await read(place, at)).drift is None
    compared(place, at - SECOND, differing=9)
    compared(place, at, compared=7, differing=2, repaired=1, waiting=1)
    differing(place)
    view = await read(place, at)
    assert view.drift
    assert view.alerts == []
    assert view.drift.model_dump(exclude={"started_at", "finished_at", "findings"}) == {
        "projects": 1, "compared": 7, "differing": 2, "repaired": 1, "waiting": 1, "refused": 0,
        "openFindings": {"absent_in_cosmos": 1},
    }  # fmt: skip


@pytest.mark.usefixtures("_no_drift_left")
async def test_an_operator_is_told_which_interactions_differ_those_first_that_wait_for_longest(place: Place) -> None:
    at = await swept(place)
    compared(place, at)
    late, early = differing(place, seconds=1), differing(place, seconds=9)
    differing(place, seconds=5, resolved=True)
    view = await read(place, at)
    assert view.drift
    assert [each.interaction_id for each in view.drift.findings] == [early, late]
    assert {(each.project_id, each.kind) for each in view.drift.findings} == {(place.id, "absent_in_cosmos")}


@pytest.mark.usefixtures("_no_drift_left")
async def test_of_many_differences_the_first_hundred_are_told(place: Place) -> None:
    at = await swept(place)
    compared(place, at)
    known = [differing(place, seconds=200 - number) for number in range(MOST_FINDINGS + 1)]
    view = await read(place, at)
    assert view.drift
    assert view.drift.open_findings == {"absent_in_cosmos": MOST_FINDINGS + 1}
    assert [each.interaction_id for each in view.drift.findings] == known[:-1]


async def test_a_comparison_that_refused_to_repair_is_an_alert(place: Place) -> None:
    at = await swept(place)
    compared(place, at, differing=5, refused=True, finished_at=None)
    view = await read(place, at)
    place.rows("DELETE FROM reconciliations")
    assert view.alerts == ["reconciliation_refused"]
    assert view.drift
    assert (view.drift.refused, view.drift.finished_at) == (1, None)


@pytest.mark.usefixtures("_no_drift_left")
async def test_what_was_refused_is_an_alert_until_it_is_resolved(place: Place) -> None:
    at = await swept(place)
    compared(place, at, refused=True)
    interaction = differing(place, seconds=60)
    compared(place, at + SECOND)
    assert (await read(place, at)).alerts == ["reconciliation_refused"]
    place.rows("UPDATE reconciliation_findings SET resolved_at = now() WHERE interaction_id = %s", interaction)
    differing(place, seconds=-60)
    assert (await read(place, at)).alerts == []


async def test_the_answer_holds_no_content(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.fill(1, content="the customer's words")
    await place.fill(1, content="more words\0", contactId=str(uuid.uuid4()))
    await swept(place)
    monkeypatch.setattr(services, "current", lambda: place.hub)
    handler = endpoint.sync_status._function.get_user_function()
    answer = await handler(func.HttpRequest("GET", "/api/v1/sync/status", body=b""))
    assert answer.status_code == 200
    told = json.loads(answer.get_body())
    assert told.keys() == {"lagSeconds", "reader", "positions", "drift", "deadLetters", "alerts"}
    assert b"words" not in answer.get_body()


async def test_a_reader_of_several_ranges_is_at_the_end_when_all_are(place: Place) -> None:
    feed = ScriptedFeed(a=[[]], b=[[place.document(_ts=1, _etag='"1"')], [place.document(_ts=2, _etag='"2"')]])
    clock = HeldClock()
    await place.reader(clock, feed=feed, pages=3).sweep()
    view = await read(place, clock.moment)
    assert view.reader
    assert (view.reader.reached_end_at, view.reader.ranges) == (None, 2)
    await place.reader(clock, feed=feed).sweep()
    assert (await read(place, clock.moment)).lag_seconds == 0
