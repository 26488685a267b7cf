"""How far the pull reader has come: one row, moved by compare-and-set in the transaction of the rows it stands for."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from shared.errors import Contended
from shared.models.documents import iso
from shared.stores.feed import FeedRange
from shared.stores.postgres import Postgres, Row, Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("pull.sql"))
POSITION = "changes"
END = "changes.end"

Why = Literal["first", "another container", "token refused"]


class PositionTaken(Contended):
    """Another owner moved the position since it was read: whatever was to be committed with it must not be."""


@dataclass(frozen=True, slots=True)
class RangePosition:
    """How far one feed range is read; without a token it has yet to be begun."""

    feed_range: FeedRange
    token: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reading of the feed of one container came.

    `began` tells this reading from earlier ones and `why` it began; `owed_since` is the moment up to which earlier
    readings had applied everything (of the first: its begin). `last_ts` is the `_ts` of the last document applied.
    """

    container: str
    began: str
    why: Why
    owed_since: str
    ranges: tuple[RangePosition, ...]
    last_ts: int | None = None

    def moved(self, at: int, token: str, last_ts: int | None) -> "Position":
        """Return the position with range number `at` read up to `token`."""
        ranges = list(self.ranges)
        ranges[at] = replace(ranges[at], token=token)
        return replace(self, ranges=tuple(ranges), last_ts=last_ts or self.last_ts)

    def end_reached(self, end: Row | None) -> datetime | None:
        """Return when this reading last was at the end of the feed, from the row that `keep_end` wrote."""
        kept = json.loads(end["position"]) if end else {}
        # An end that an earlier reading saw says nothing of this one, but for what `owed_since` took over from it.
        return datetime.fromisoformat(kept["reached"]) if kept.get("began") == self.began else None

    def text(self) -> str:
        """Return the position as it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Position | None":
        """Return the position that was kept, or None when this code can't read it."""
        try:
            kept = json.loads(text)
            ranges = tuple(RangePosition(**each) for each in kept.pop("ranges"))
            return cls(ranges=ranges, **kept)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


async def move(transaction: Transaction, stored: str | None, to: Position) -> None:
    """Move the position within a transaction, from `stored` (None: there was none). Raises PositionTaken else."""
    await transaction.as_role("hub_sweeper")
    block: Literal["begin_position", "move_position"] = "begin_position" if stored is None else "move_position"
    if not await transaction.execute(SQL[block], name=POSITION, position=to.text(), expected=stored):
        raise PositionTaken("another owner moved the position")


async def read_rows(postgres: Postgres) -> tuple[Row | None, Row | None]:
    """Return the rows of the position and of the last end of the feed."""
    async with postgres.sweeper() as transaction:
        return pick(await transaction.all(SQL["list_positions"]))


def pick(rows: list[Row]) -> tuple[Row | None, Row | None]:
    """Return, of all readers' rows, those of the position and of the last end of the feed."""
    by_name = {row["name"]: row for row in rows}
    return by_name.get(POSITION), by_name.get(END)


def applied_until(position: Position, end: Row | None) -> datetime:
    """Return the moment for which this is proved: whatever was written before it and is still there, is applied."""
    return position.end_reached(end) or datetime.fromisoformat(position.owed_since)


async def keep_end(postgres: Postgres, position: Position, reached: datetime) -> None:
    """Keep that all that was written before `reached` is applied."""
    text = json.dumps({"began": position.began, "reached": iso(reached)})
    async with postgres.sweeper() as transaction:
        await transaction.execute(SQL["put_position"], name=END, position=text)


def begun(
    container: str, ranges: list[FeedRange], now: datetime, *, why: Why, earlier: Position | None, end: Row | None
) -> Position:
    """Return a position at the beginning of the feed; what an earlier reading still owed is not forgotten."""
    owed_since = now
    if earlier:
        owed_since = applied_until(earlier, end)
    elif end:
        owed_since = datetime.fromisoformat(json.loads(end["position"])["reached"])
    return Position(container, iso(now), why, iso(owed_since), tuple(RangePosition(each, None) for each in ranges))
