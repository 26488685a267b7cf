"""The platform's trigger at its worst: it reads ahead, repeats, swaps, loses batches and forgets that it lost a lease.

What one owner holds in hand was read at some time and is delivered at another. A checkpoint is written after a batch
was applied, or, as the platform's may be, without that. After a steal the old owner goes on as if nothing happened,
however much later; only its checkpoint is refused.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.errors import HubError
from tests.sync_machine.container import Container, Document, Places
from tests.sync_machine.saboteur import Killed

Apply = Callable[[list[Document]], Awaitable[object]]
ORDERS = ("as read", "backwards", "shuffled")


@dataclass
class Hand:
    """A batch that an owner read, and the place behind it."""

    range: int
    batch: list[Document]
    behind: int


@dataclass
class TriggerHost:
    """Reads the feed range by range and delivers to `apply`."""

    container: Container
    apply: Apply
    leases: Places = field(init=False)
    hands: dict[int, Hand] = field(default_factory=dict)
    slow: list[Hand] = field(default_factory=list)
    delivered: list[list[Document]] = field(default_factory=list)
    attempts: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.leases = Places.start(self.container)

    def fetch(self, partition: int, size: int) -> Hand | None:
        """Read the next batch of a range and keep it in hand; what is in hand stays."""
        self.follow_splits()
        at = sorted(self.leases.at)[partition % len(self.leases.at)]
        if at not in self.hands:
            batch = self.container.changes(at, self.leases.at[at], size)
            if not batch:
                return None
            self.hands[at] = Hand(at, batch, batch[-1]["_lsn"])
        return self.hands[at]

    async def deliver(self, partition: int, size: int, order: str = "as read") -> None:
        """Apply what is in hand, or the next batch, and write the checkpoint."""
        hand = self.fetch(partition, size)
        if hand and await self.attempt(arranged(hand.batch, order)):
            self._checkpoint(hand)

    async def swap(self, partition: int, size: int) -> None:
        """Deliver the batch behind the next one first, as two workers of one host may."""
        first = self.fetch(partition, size)
        if first is None:
            return
        behind = self.container.changes(first.range, first.behind, size)
        for batch in (behind, first.batch):
            await self.attempt(batch)
        self._checkpoint(first)

    async def deliver_late(self, first: int, count: int, order: str) -> None:
        """Deliver versions of before, among them such as were overtaken."""
        start = max(0, len(self.container.history) - 1 - first)
        await self.attempt(arranged(self.container.history[start : start + count], order))

    async def redeliver(self, which: int) -> None:
        """Deliver again one of the batches of before."""
        if self.delivered:
            await self.attempt(self.delivered[-1 - which % len(self.delivered)])

    def swallow(self, partition: int, size: int) -> None:
        """Move past a batch that was never applied."""
        hand = self.fetch(partition, size)
        if hand:
            self._checkpoint(hand)

    def steal(self, partition: int, size: int) -> None:
        """Another owner takes the lease; the old one keeps what it has in hand."""
        hand = self.fetch(partition, size)
        if hand:
            self.slow.append(self.hands.pop(hand.range))

    async def wake(self, which: int) -> None:
        """An owner that lost its lease delivers what it still holds."""
        if self.slow:
            await self.attempt(self.slow.pop(which % len(self.slow)).batch)

    async def both(self, partition: int, size: int) -> None:
        """Two owners deliver at the same time: the old one what it holds, the new one from the checkpoint."""
        hand = self.fetch(partition, size)
        if hand:
            again = self.container.changes(hand.range, self.leases.at[hand.range], size)
            done = await asyncio.gather(self.attempt(hand.batch), self.attempt(again))
            if any(done):
                self._checkpoint(hand)

    def restart(self) -> None:
        """Forget all that is in hand; the leases are in the store."""
        self.hands.clear()

    def rewind(self) -> None:
        """Begin again, as after a lost lease container."""
        self.restart()
        self.leases = Places.start(self.container)

    def follow_splits(self) -> None:
        """Go on with the halves of ranges that split; who was at work on the whole is an old owner now."""
        self.leases.follow_splits(self.container)
        gone = [at for at in self.hands if at not in self.leases.at]
        self.slow += [self.hands.pop(at) for at in gone]

    async def attempt(self, batch: list[Document]) -> bool:
        """Apply a batch; False when the consumer died of it or failed: the platform tries again for ever."""
        self.delivered = [*self.delivered[-20:], batch]
        self.attempts += 1
        try:
            await self.apply(batch)
        except Killed:
            return False
        except HubError as error:
            self.refused[str(error)] += 1
            return False
        return True

    def _checkpoint(self, hand: Hand) -> None:
        self.hands.pop(hand.range, None)
        self.leases.at[hand.range] = hand.behind


def arranged(batch: list[Document], order: str) -> list[Document]:
    """Return a batch in one of `ORDERS`."""
    if order == "shuffled":
        return random.Random(len(batch)).sample(batch, len(batch))  # the same each time
    return batch[::-1] if order == "backwards" else batch
