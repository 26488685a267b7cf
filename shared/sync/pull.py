"""The pull reader: reads the feed a second time, and proves what the platform's trigger can only hope for.

The trigger may move past a batch that was not applied. This reader's position moves in the transaction of the rows it
stands for, and only from where this reader read it: there is no moment at which a change is passed and not applied.
"""

import logging
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import Transient
from shared.failpoints import failpoint
from shared.stores.feed import ChangeFeed, FeedPage, TokenRefused
from shared.stores.postgres import Postgres, Transaction
from shared.sync.apply import Sync
from shared.sync.position import Position, Why, begun, keep_end, move, read_rows
from shared.telemetry import event, warning


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may take. `seconds` leaves the platform's limit (`functionTimeout`) room for one slow page."""

    seconds: float = 300
    pages: int = 2000
    page_size: int = 500


@dataclass(slots=True)
class Swept:
    """What one run did: pages read, documents in them, rows written, dead letters, request units; and how it ended.

    `stopped` says why it stopped before the end of the feed, None when it was there.
    """

    pages: int = 0
    documents: int = 0
    written: int = 0
    dead: int = 0
    charge: float = 0
    stopped: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A position as one owner knows it: `stored` is the text that the row must still have when it is moved."""

    position: Position
    stored: str


@dataclass(frozen=True, slots=True)
class PullReader:
    """Reads from the stored position; any number of owners may run it, one of them gets on."""

    feed: ChangeFeed
    sync: Sync
    postgres: Postgres
    clock: Clock
    budget: Budget = Budget()

    async def sweep(self) -> Swept:
        """Apply what was written before this run began, as far as the budget goes; the position survives any end.

        What time may cure and another owner end the run quietly, with the position where the last page left it.
        """
        swept = Swept()
        try:
            await self._read_on(swept)
        except Transient as error:
            swept.stopped = str(error)
        facts = {"pages": swept.pages, "documents": swept.documents, "written": swept.written, "dead": swept.dead}
        event("sweep_changes.run", **facts, charge=swept.charge, stopped=swept.stopped)
        return swept

    async def _read_on(self, swept: Swept) -> None:
        started = self.clock.now()
        held = await self._held()
        run = _Run.of(held.position, started, len(await self.feed.ranges()))
        while run.open:
            if swept.pages >= self.budget.pages or self._spent(started):
                swept.stopped = "this run's share is done"
                return
            at, swept.pages = run.open[0], swept.pages + 1
            try:
                page = await self._page(held, at)
            except TokenRefused as refusal:
                warning("sweep_changes.token_refused", why=refusal)
                held = await self._begin("token refused", held.stored, held.position)
                run = _Run.of(held.position, started, len(held.position.ranges))
                continue
            held = await self._apply(held, at, page, swept)
            run.turn(page)
        await keep_end(self.postgres, held.position, started)

    def _spent(self, started: datetime) -> bool:
        return self.clock.now() - started > timedelta(seconds=self.budget.seconds)

    async def _held(self) -> Held:
        """Return the stored position if it is of the container that there is now, else one at the beginning."""
        container = await self.feed.container_id()
        row, _ = await read_rows(self.postgres)
        if row is None:
            return await self._begin("first", None, None)
        position = Position.read(row["position"])
        if position is None:
            return await self._begin("token refused", row["position"], None)
        if position.container != container:
            return await self._begin("another container", row["position"], position)
        return Held(position, row["position"])

    async def _begin(self, why: Why, stored: str | None, earlier: Position | None) -> Held:
        """Put the position to the beginning, and say so: a full read is dear, and an operator may want to know."""
        container, ranges = await self.feed.container_id(), await self.feed.ranges(afresh=True)
        _, end = await read_rows(self.postgres)
        position = begun(container, ranges, self.clock.now(), why=why, earlier=earlier, end=end)
        async with self.postgres.transaction() as transaction:
            await move(transaction, stored, position)
        event(
            "sweep_changes.full_read", logging.INFO if why == "first" else logging.WARNING, why=why, ranges=len(ranges)
        )
        return Held(position, position.text())

    async def _page(self, held: Held, at: int) -> FeedPage:
        place = held.position.ranges[at]
        failpoint("sweep.reading")
        page = await self.feed.page(place.feed_range, place.token, size=self.budget.page_size)
        failpoint("sweep.page_read")
        return page

    async def _apply(self, held: Held, at: int, page: FeedPage, swept: Swept) -> Held:
        """Apply a page and move the position behind it, both or neither."""
        swept.charge += page.charge
        if not page.documents and page.token == held.position.ranges[at].token:
            return held
        last_ts = page.documents[-1]["_ts"] if page.documents else None
        position = held.position.moved(at, page.token, last_ts)

        async def commit_with(transaction: Transaction) -> None:
            await move(transaction, held.stored, position)
            failpoint("sweep.position_moved")

        applied = await self.sync.apply_changes(page.documents, commit_with=commit_with)
        swept.documents += len(page.documents)
        swept.written += applied.written + applied.settled
        swept.dead += applied.dead
        return Held(position, position.text())


@dataclass(slots=True)
class _Run:
    """The ranges that are not read to their end yet, in turns, so that a busy one does not starve the others.

    The end is an empty page, or what was written after the run began: else a run under constant writing would never
    end. A range that was split since it was begun holds several partitions, of which each page brings one in turn.
    """

    started: datetime
    partitions: int
    open: deque[int]
    late: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, position: Position, started: datetime, partitions: int) -> "_Run":
        return cls(started, partitions, deque(range(len(position.ranges))))

    def turn(self, page: FeedPage) -> None:
        """Put the range whose page was read behind the others, unless it is at its end."""
        at = self.open.popleft()
        if not page.documents:
            return
        written_since = page.documents[-1]["_ts"] > self.started.timestamp()
        self.late[at] = self.late[at] + 1 if written_since else 0
        if self.late[at] < self.partitions:
            self.open.append(at)
