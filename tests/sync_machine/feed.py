"""The container's feed as the pull reader asks for it, and one whose owner falls asleep behind its first page."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.stores.feed import FeedPage, FeedRange, TokenRefused
from tests.sync_machine.container import Container, FakeClock, Places


@dataclass
class MemoryFeed:
    """Pages of the feed; `refusals` tokens are refused, however good they are."""

    container: Container
    refusals: int = 0

    async def container_id(self) -> str:
        return self.container.name

    async def ranges(self, *, afresh: bool = False) -> list[FeedRange]:
        return [{"id": each.id} for each in self.container.live_ranges()]

    async def page(self, feed_range: FeedRange, token: str | None, *, size: int) -> FeedPage:
        places = Places.read(token) if token else Places(self.container.name, {feed_range["id"]: 0})
        if token and self.refusals:
            self.refusals -= 1
            raise TokenRefused("for a test")
        documents = places.next_page(self.container, size)
        return FeedPage([dict(each) for each in documents], places.token, 1.0)


@dataclass
class SleepyFeed(MemoryFeed):
    """A feed whose first page arrives only when it is told to."""

    asleep: asyncio.Event = field(default_factory=asyncio.Event)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def page(self, feed_range: FeedRange, token: str | None, *, size: int) -> FeedPage:
        page = await super().page(feed_range, token, size=size)
        self.asleep.set()
        await self.woken.wait()
        return page


@dataclass(frozen=True)
class ContainerClock:
    """The container's clock, as the application asks for the time."""

    clock: FakeClock

    def now(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.clock.microseconds)
