"""A host whose checkpoint moves past one batch in twenty: what it loses, the pull reader brings."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import azure.functions as func
import pytest
from azure.functions.meta import Datum

from functions.sync_interactions import BLUEPRINT
from local.host.bindings import HostedFunction, index
from local.host.changefeed import FeedListener
from local.host.configuration import HostOptions
from local.host.invocation import Activity, Invoker
from local.host.outputs import OutputWriter
from local.host.storage import QueueClients
from shared import services
from tests.integration.reading_place import Place
from tests.integration.shop import Document

pytest_plugins = ["tests.integration.reading_fixtures"]

ONE_IN = 20
TIMES = HostOptions(
    feed_poll_seconds=0.02, lease_acquire_seconds=0.1, lease_renew_seconds=1, lease_expiry_seconds=5, drain_seconds=1
)


class SwallowingListener(FeedListener):
    """The development host's listener, which says of every twentieth batch that it was delivered."""

    def __init__(self, invoker: Invoker) -> None:
        super().__init__(invoker, TIMES)
        self.batches = 0
        self.passed: set[str] = set()
        self.swallowed: set[str] = set()

    async def _attempt(self, data: Datum, retry: int) -> bool:
        etags = {each["_etag"] for each in json.loads(data.value)}
        self.batches += 1
        lost = self.batches % ONE_IN == 0
        done = True if lost else await super()._attempt(data, retry)
        self.swallowed |= etags if lost else set()
        self.passed |= etags if done else set()
        return done

    async def until_passed(self, documents: list[Document]) -> None:
        while not self.passed.issuperset(each["_etag"] for each in documents):  # noqa: ASYNC110 # it tells nobody
            await asyncio.sleep(0.02)


def declared() -> HostedFunction:
    """The app's own trigger, with batches of three."""
    app = func.FunctionApp()
    app.register_functions(BLUEPRINT)
    (function,) = (index(builder.build(app.auth_level)) for builder in app._function_builders)
    return replace(function, settings={**function.settings, "maxItemsPerInvocation": 3})


@pytest.fixture
async def host(place: Place, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SwallowingListener]:
    for name in ("HubCosmos", "COSMOS_DATABASE"):
        monkeypatch.setenv(name, place.settings[name])
    monkeypatch.setattr(services, "current", lambda: place.hub)
    activity, clients = Activity(), QueueClients()
    function = declared()
    outputs = OutputWriter(clients, "base64")
    listener = SwallowingListener(Invoker(function, activity, outputs, timeout=timedelta(minutes=1), root=Path.cwd()))
    yield listener
    await listener.stop()
    await clients.close()


async def traffic(place: Place, draw: random.Random, current: dict[str, Document]) -> list[Document]:
    """Write ninety new documents, change thirty and delete ten; return all as they are now."""
    for each in await place.fill(90):
        current[each["id"]] = each
    for at, each in enumerate(draw.sample(list(current.values()), 40)):
        emptied = {"content": "", "deleted": True} if at < 10 else {"content": f"changed {at}"}
        current[each["id"]] = await place.write(each | emptied | {"version": int(time.time() * 1_000_000)})
    return list(current.values())


async def lost(place: Place) -> set[str]:
    """The checker: the documents of which Postgres does not hold what Cosmos DB holds."""
    documents, rows = await place.in_cosmos(), place.in_postgres()
    return {etag for identifier, (*_, etag) in documents.items() if rows.get(identifier) != documents[identifier]}


async def test_what_a_host_swallows_is_lost_without_the_pull_reader_and_not_with_it(
    place: Place, host: SwallowingListener
) -> None:
    draw, current = random.Random(1), dict[str, Document]()
    # Before the host starts, so that no later version of a document makes up for one that is swallowed.
    written = await traffic(place, draw, current)
    host.start()
    await host.until_passed(written)
    assert host.batches >= ONE_IN
    assert await lost(place) == host.swallowed & {each["_etag"] for each in current.values()} != set()

    async with sweeping(place):
        await host.until_passed(await traffic(place, draw, current))
    await place.reader().sweep()
    assert await lost(place) == set()


@asynccontextmanager
async def sweeping(place: Place) -> AsyncIterator[None]:
    """Run the pull reader again and again meanwhile."""

    async def sweep() -> None:
        while True:
            await place.reader(page_size=7).sweep()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(sweep())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
