"""One seed's world: a container, those who write to it, and the real application that brings it to Postgres."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from uuid import UUID

import psycopg

from shared.errors import HubError
from shared.inbox.dead_letters import DeadLetterLimit
from shared.stores.cosmos import Documents
from shared.stores.feed import ChangeFeed
from shared.stores.postgres import Postgres
from shared.sync.pull import Budget, PullReader
from tests.sync_machine.container import Container, FakeClock
from tests.sync_machine.events import Event
from tests.sync_machine.feed import ContainerClock, MemoryFeed, SleepyFeed
from tests.sync_machine.host import TriggerHost
from tests.sync_machine.oracle import Oracle
from tests.sync_machine.saboteur import Killed, Saboteur, WatchedPostgres, WatchedSync
from tests.sync_machine.writers import TTL_SECONDS, Writers

PAGE_SIZE = 4
ROUNDS = 50  # of the reader at the end; a few are enough unless it is stuck
NO_LIMIT = DeadLetterLimit(letters=1_000_000_000)


class Violation(AssertionError):
    """Postgres is not what the container says, or the reader can't get on."""


@dataclass
class World:
    """Everything of one seed. Two worlds of one database must not run at the same time: they share the position."""

    postgres: Postgres
    admin: psycopg.AsyncConnection[dict[str, Any]]
    projects: tuple[UUID, ...]
    pulls: bool = True
    container: Container = field(init=False)
    sleepers: list[tuple[SleepyFeed, "asyncio.Task[object]"]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.container = Container(FakeClock(), name=str(self.projects[0]))
        self.writers = Writers(self.container, self.projects)
        self.saboteur = Saboteur()
        self.watched = WatchedPostgres(self.postgres, self.saboteur)
        self.sync = WatchedSync(self.watched, cast("Documents", self.container), NO_LIMIT)
        self.host = TriggerHost(self.container, self.sync.apply_changes)
        self.oracle = Oracle(self.container, self.writers, self.admin)
        self.feed = MemoryFeed(self.container)
        writers, host = self.writers, self.host
        self.acts: Mapping[str, Callable[..., object]] = {
            **{act.__name__: act for act in (writers.write, writers.delete, writers.poison, self.container.split)},
            **{act.__name__: act for act in (host.fetch, host.deliver, host.deliver_late, host.redeliver, host.swap)},
            **{act.__name__: act for act in (host.swallow, host.steal, host.wake, host.both, host.restart)},
            "kill": self._kill,
            "pass_ttl": self._pass_ttl,
            "meddle": self._meddle,
            "refuse_token": self._refuse_token,
            "pull": self._pull,
            "pull_killed": self._pull_killed,
            "pull_held": self._pull_held,
            "pull_wake": self._pull_wake,
        }

    def reader(self, *, pages: int, feed: MemoryFeed | None = None) -> PullReader:
        """Return a pull reader, one owner of the position."""
        budget = Budget(pages=pages, page_size=PAGE_SIZE)
        source = cast("ChangeFeed", feed or self.feed)
        return PullReader(source, self.sync, self.watched, ContainerClock(self.container.clock), budget)

    async def perform(self, event: Event) -> None:
        """Let one thing happen. Raises Violation when the position passes what is not applied."""
        done = self.acts[event.kind](**event.values)
        if isinstance(done, Awaitable):
            await done

    async def finish(self) -> None:
        """Let everything end: sleepers wake, the reader reads to the end. Raises Violation where the stores differ."""
        self.host.restart()
        while self.host.slow:
            await self.host.wake(0)
        while self.sleepers:
            await self._pull_wake()
        if self.pulls:
            await self._drain()
        wrong = await self.oracle.differences()
        if wrong:
            raise Violation("; ".join(wrong))

    async def close(self) -> None:
        """Leave nothing running."""
        for _, task in self.sleepers:
            task.cancel()
        await asyncio.gather(*(task for _, task in self.sleepers), return_exceptions=True)

    async def _drain(self) -> None:
        stopped: str | None = "never begun"
        for _ in range(ROUNDS):
            written = len(self.container.history)
            try:
                stopped = (await self.reader(pages=1000).sweep()).stopped
            except HubError as error:
                stopped = repr(error)
            await self._check_position()
            # Who meddles writes while the last documents settle, perhaps into a range that was read to its end before.
            if stopped is None and len(self.container.history) == written:
                return
        raise Violation(f"the reader does not come to the end: {stopped}")

    async def _check_position(self) -> None:
        self.container.read_until = await self.oracle.position()
        wrong = await self.oracle.passed_unapplied(self.container.read_until)
        if wrong:
            raise Violation("; ".join(wrong))

    async def _kill(self, place: str, partition: int, size: int) -> None:
        async with self._armed(place):
            await self.host.deliver(partition, size)

    def _pass_ttl(self) -> None:
        self.container.pass_time(TTL_SECONDS * 1000)

    def _meddle(self, doc: int, how: str) -> None:
        """Let someone write between the next point read and what is made of it."""
        self.container.meddler = partial(self.writers.write, doc, how, 0)

    def _refuse_token(self) -> None:
        self.feed.refusals = 1

    async def _pull(self, pages: int) -> None:
        if self.pulls:
            with suppress(HubError):
                await self.reader(pages=pages).sweep()
            await self._check_position()

    async def _pull_killed(self, place: str) -> None:
        if self.pulls:
            async with self._armed(place):
                await self.reader(pages=2).sweep()
            await self._check_position()

    async def _pull_held(self) -> None:
        """A second owner reads a page, and goes on whenever it wakes."""
        if self.pulls and len(self.sleepers) < 3:
            feed = SleepyFeed(self.container)
            task = asyncio.create_task(self.reader(pages=1, feed=feed).sweep())
            self.sleepers.append((feed, task))
            asleep = asyncio.create_task(feed.asleep.wait())
            await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
            asleep.cancel()

    async def _pull_wake(self) -> None:
        if self.sleepers:
            feed, task = self.sleepers.pop(0)
            feed.woken.set()
            with suppress(HubError):
                await task
            await self._check_position()

    @asynccontextmanager
    async def _armed(self, place: str) -> AsyncIterator[None]:
        self.saboteur.arm(place)
        with suppress(Killed, HubError):
            yield
        self.saboteur.arm("")
