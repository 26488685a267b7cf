"""sweep_changes: whatever the trigger lost is applied, and no position ever stands for rows that are not there."""

import asyncio
import base64
import json
import logging
import random
import time
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from local.stack.ports import free_port
from shared.stores import postgres
from shared.stores.feed import ChangeFeed, FeedPage, FeedRange
from shared.sync.pull import Swept
from tests.integration.reading_place import HeldClock, Place, ScriptedFeed
from tests.integration.shop import Document

pytest_plugins = ["tests.integration.reading_fixtures"]


def version(place: Place, **changed: Any) -> Document:
    """A document as the feed brings it."""
    return place.document(_ts=int(time.time()) - 60, _etag=f'"{uuid.uuid4()}"') | changed


async def agree(place: Place, documents: int) -> None:
    """Both stores hold the same, and that many."""
    in_postgres = place.in_postgres()
    assert in_postgres == await place.in_cosmos()
    assert len(in_postgres) == documents


def edited(place: Place, **changed: Any) -> str:
    """The stored position with some of it changed."""
    return json.dumps(json.loads(place.stored()["position"]) | changed)


def with_token(place: Place, token: str) -> str:
    ranges = json.loads(place.stored()["position"])["ranges"]
    return edited(place, ranges=[ranges[0] | {"token": token}])


async def test_what_no_trigger_applied_is_applied(place: Place) -> None:
    await place.fill(5)
    swept = await place.reader().sweep()
    assert (swept.documents, swept.written, swept.dead, swept.stopped) == (5, 5, 0, None)
    await agree(place, 5)


@pytest.mark.parametrize("seed", range(3))
async def test_batches_that_a_host_swallowed_are_found(place: Place, seed: int) -> None:
    draw = random.Random(seed)
    documents = await place.fill(20)
    for each in draw.sample(documents, 5):
        await place.write(each | {"content": "", "deleted": True, "version": int(time.time() * 1e6)})
    feed = [dict(each) async for each in place.container.query_items_change_feed(start_time="Beginning")]
    batches = [feed[at : at + 2] for at in range(0, len(feed), 2)]
    swallowed = draw.sample(range(len(batches)), 2)
    for number, batch in enumerate(batches):
        if number not in swallowed:
            await place.hub.sync.apply_changes(batch)
    assert len(place.in_postgres()) == 16
    await place.reader().sweep()
    await agree(place, 20)


async def test_a_run_goes_on_where_the_last_one_ended(place: Place) -> None:
    first, *_ = await place.fill(3)
    await place.reader().sweep()
    await place.fill(1)
    await place.write(first | {"content": "", "deleted": True, "version": int(time.time() * 1e6)})
    swept = await place.reader().sweep()
    assert swept.documents == 2
    await agree(place, 4)
    assert place.in_postgres()[first["id"]][1] is True


async def test_a_run_that_finds_nothing_new_leaves_the_position_as_it_is(place: Place) -> None:
    await place.fill(1)
    await place.reader().sweep()
    before = place.stored()
    swept = await place.reader().sweep()
    assert (swept.pages, swept.documents, swept.stopped) == (1, 0, None)
    assert place.stored() == before


async def test_an_empty_container_is_read_to_its_end(place: Place) -> None:
    swept = await place.reader().sweep()
    assert (swept.pages, swept.stopped) == (1, None)
    assert place.position().ranges[0].token
    await place.fill(1)
    assert (await place.reader().sweep()).documents == 1


async def test_the_next_run_goes_on_where_this_ones_share_ended(place: Place) -> None:
    await place.fill(5)
    first = await place.reader(pages=2, page_size=2).sweep()
    assert (first.documents, first.stopped) == (4, "this run's share is done")
    second = await place.reader(page_size=2).sweep()
    assert (second.documents, second.stopped) == (1, None)
    await agree(place, 5)


async def test_a_run_ends_when_its_time_is_over(place: Place) -> None:
    class Ticking(HeldClock):
        def now(self) -> Any:
            self.moment += timedelta(seconds=1)
            return self.moment

    await place.fill(6)
    swept = await place.reader(Ticking(), seconds=4, page_size=1).sweep()
    assert swept.stopped == "this run's share is done"
    assert 0 < swept.documents < 6
    assert len(place.in_postgres()) == swept.documents


async def test_a_run_does_not_chase_what_is_written_while_it_reads(place: Place) -> None:
    later = int(time.time()) + 10
    feed = ScriptedFeed(only=[[version(place)], *([version(place, _ts=later)] for _ in range(50))])
    swept = await place.reader(feed=feed).sweep()
    assert (swept.documents, swept.stopped) == (2, None)


async def test_ranges_take_turns_and_each_is_read_to_its_end(place: Place) -> None:
    feed = ScriptedFeed(a=[[version(place)] for _ in range(3)], b=[[version(place)]], c=[])
    swept = await place.reader(feed=feed).sweep()
    assert (swept.documents, swept.stopped) == (4, None)
    assert "".join(feed.read) == "abcabaa"
    assert [each.token for each in place.position().ranges] == ["3", "1", "0"]
    assert len(place.in_postgres()) == 4


async def test_a_range_that_was_split_is_at_its_end_when_each_of_its_parts_is(place: Place) -> None:
    later = int(time.time()) + 10
    # One page of each part in turn: the first part is past the run's begin, the other has older changes waiting.
    feed = ScriptedFeed(split=[[version(place, _ts=later)], [version(place)], [version(place, _ts=later)]] * 2)
    reader = place.reader(feed=feed)
    await reader.sweep()
    place.put_position(edited(place, ranges=[{"feed_range": {"name": "split"}, "token": None}]))
    object.__setattr__(feed, "scripts", feed.scripts | {"another": []})
    feed.read.clear()
    await reader.sweep()
    assert feed.read == ["split"] * 4


async def test_a_page_with_a_poisoned_document_is_applied_without_it_and_passed(place: Place) -> None:
    poison, good = (await place.fill(1, content="a\0b"))[0], (await place.fill(1))[0]
    swept = await place.reader().sweep()
    assert (swept.documents, swept.written, swept.dead) == (2, 1, 1)
    assert list(place.in_postgres()) == [good["id"]]
    (letter,) = place.dead_letters(poison["id"])
    assert letter["stage"] == "sync_interactions"
    assert (await place.reader().sweep()).documents == 0


async def test_a_batch_that_has_to_wait_is_not_passed(place: Place) -> None:
    await place.fill(3, content="a\0b")
    hub = place.services(DEAD_LETTER_LIMIT="1")
    await place.reader(page_size=1).sweep()
    before = place.position()
    await place.fill(2, content="a\0b")
    swept = await hub.pull_reader.sweep()
    assert swept.stopped
    assert swept.stopped.startswith("too many dead letters")
    assert place.position() == before
    assert (await place.reader().sweep()).dead == 2


async def test_while_cosmos_db_is_away_a_run_ends_quietly(place: Place) -> None:
    await place.fill(1)
    await place.reader().sweep()
    before = place.stored()
    await place.fill(1)
    away = f"AccountEndpoint=http://127.0.0.1:{free_port()}/;AccountKey=a2V5;"
    swept = await place.services(HubCosmos=away).pull_reader.sweep()
    assert swept.stopped
    assert swept.stopped.startswith("Cosmos DB: ")
    assert place.stored() == before
    assert (await place.reader().sweep()).documents == 1


async def test_a_row_that_stays_locked_ends_the_run_quietly(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (document,) = await place.fill(1)
    await place.reader().sweep()
    before = place.stored()
    await place.write(document | {"content": "again", "version": int(time.time() * 1e6)})
    await place.hub.postgres.close()
    monkeypatch.setattr(postgres, "OPTIONS", "-c lock_timeout=100ms")
    async with await psycopg.AsyncConnection.connect(place.admin) as other:
        await other.execute("SELECT 1 FROM interactions WHERE id = %s FOR UPDATE", [document["id"]])
        swept = await place.reader().sweep()
    assert swept.stopped
    assert swept.stopped.startswith("Postgres: LockNotAvailable")
    assert place.stored() == before
    assert (await place.reader().sweep()).written == 1


class Disturbed(ChangeFeed):
    """The feed, with something else done once between reading a page and applying it."""

    def __init__(self, feed: ChangeFeed, meanwhile: Any) -> None:
        object.__setattr__(self, "documents", feed.documents)
        object.__setattr__(self, "todo", [meanwhile])

    todo: list[Any]

    async def page(self, feed_range: FeedRange, token: str | None, *, size: int) -> FeedPage:
        page = await super().page(feed_range, token, size=size)
        if page.documents and self.todo:
            await self.todo.pop()()
        return page


async def test_an_owner_whose_position_was_stolen_writes_nothing(place: Place) -> None:
    await place.fill(1)
    await place.reader().sweep()
    thief = edited(place, last_ts=7)

    async def steal() -> None:
        place.put_position(thief)

    late, *_ = await place.fill(1)
    swept = await place.reader(feed=Disturbed(place.hub.feed, steal)).sweep()
    assert swept.stopped == "another owner moved the position"
    assert place.stored()["position"] == thief
    assert late["id"] not in place.in_postgres()


async def test_an_owner_that_was_overtaken_stops_and_nothing_is_lost_or_moved_back(place: Place) -> None:
    await place.fill(4)
    overtaking: list[Swept] = []

    async def overtake() -> None:
        overtaking.append(await place.reader(page_size=1).sweep())

    slow = await place.reader(feed=Disturbed(place.hub.feed, overtake), page_size=1).sweep()
    assert slow.stopped == "another owner moved the position"
    assert overtaking[0].stopped is None
    await agree(place, 4)
    assert (await place.reader().sweep()).documents == 0


async def test_two_owners_at_once_end_with_both_stores_the_same(place: Place) -> None:
    documents = await place.fill(12)
    for each in documents[:6]:
        await place.write(each | {"content": "again", "version": int(time.time() * 1e6)})
    both = await asyncio.gather(*(place.reader(page_size=2).sweep() for _ in range(2)))
    while any(swept.stopped for swept in both):
        assert {swept.stopped for swept in both} <= {None, "another owner moved the position"}
        both = await asyncio.gather(*(place.reader(page_size=2).sweep() for _ in range(2)))
    await agree(place, 12)
    assert (await place.reader().sweep()).documents == 0


async def test_a_reader_that_is_set_back_reads_again_and_changes_nothing(place: Place) -> None:
    await place.fill(2)
    await place.reader().sweep()
    behind = place.stored()["position"]
    await place.fill(2)
    await place.reader().sweep()
    place.put_position(behind)
    swept = await place.reader().sweep()
    assert (swept.documents, swept.written) == (2, 0)
    await agree(place, 4)


def of_the_future(token: str) -> str:
    """A token further than the feed ever came: its store was set back, or lost its end."""
    read = json.loads(base64.b64decode(token))
    (inner,) = read["continuation"]["continuation"]
    issuer, _, number = inner["token"].strip('"').rpartition(":")
    inner["token"] = f'"{issuer}:{int(number) + 1000}"'
    return base64.b64encode(json.dumps(read).encode()).decode()


@pytest.mark.parametrize("kind", ["of the future", "not base64", "not a token", "position unreadable"])
async def test_a_token_that_means_nothing_here_is_followed_by_a_full_read(
    place: Place, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    await place.fill(2)
    await place.reader().sweep()
    token = place.position().ranges[0].token
    assert token
    others = {
        "of the future": with_token(place, of_the_future(token)),
        "not base64": with_token(place, "%%%"),
        "not a token": with_token(place, base64.b64encode(b'{"v": "v2"}').decode()),
        "position unreadable": '{"half": ',
    }
    place.put_position(others[kind])
    await place.fill(1)
    with caplog.at_level(logging.WARNING, logger="hub"):
        swept = await place.reader().sweep()
    assert (swept.documents, swept.stopped) == (3, None)
    await agree(place, 3)
    assert place.position().why == "token refused"
    assert "sweep_changes.full_read" in caplog.text


async def remade(place: Place) -> None:
    """Make the container anew, as somebody with the portal may."""
    database = place.hub.documents._container().database_link
    assert database
    client = place.hub.documents._client
    assert client
    await client.get_database_client(place.settings["COSMOS_DATABASE"]).delete_container("interactions")
    await asyncio.to_thread(place.make_container)


async def test_a_container_made_anew_is_read_from_its_beginning(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    await place.fill(3)
    reader = place.reader()  # one client all the time: what it cached of the old container must not matter
    await reader.sweep()
    await remade(place)
    await place.fill(4)
    with caplog.at_level(logging.WARNING, logger="hub"):
        swept = await reader.sweep()
    assert (swept.documents, swept.stopped) == (4, None)
    assert place.position().why == "another container"
    assert "why=another container" in caplog.text
    documents = await place.in_cosmos()
    assert documents.items() <= place.in_postgres().items()
    assert (await reader.sweep()).documents == 0


async def test_a_position_of_another_container_is_not_used_though_its_token_would_do(place: Place) -> None:
    await place.fill(2)
    await place.reader().sweep()
    place.put_position(edited(place, container="another"))
    swept = await place.reader().sweep()
    assert swept.documents == 2
    assert place.position().why == "another container"


async def test_who_begins_second_stops(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.fill(2)
    slow = place.reader()
    ranges = ChangeFeed.ranges

    async def overtaken(feed: ChangeFeed, *, afresh: bool = False) -> list[FeedRange]:
        monkeypatch.setattr(ChangeFeed, "ranges", ranges)
        await place.reader().sweep()
        return await ranges(feed, afresh=afresh)

    monkeypatch.setattr(ChangeFeed, "ranges", overtaken)
    swept = await slow.sweep()
    assert (swept.stopped, swept.documents) == ("another owner moved the position", 0)
    await agree(place, 2)


async def test_a_run_says_what_it_cost(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    await place.fill(1)
    with caplog.at_level(logging.INFO, logger="hub"):
        swept = await place.reader().sweep()
    assert swept.charge > 0
    assert f"charge={swept.charge}" in caplog.text
