"""Whether both stores agree: how far the reader came, what comparing them found, what could not be applied."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.stores.postgres import Postgres, Row, Transaction
from shared.stores.sql import SqlBlocks
from shared.sync.position import SQL as POSITIONS
from shared.sync.position import Position, applied_until, pick
from shared.telemetry import event, warning

if TYPE_CHECKING:
    from shared.models.views import DriftView, FeedReaderView, SyncStatusView

SQL = SqlBlocks(Path(__file__).with_name("status.sql"))
MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Reads the status, and raises the alarm while a tombstone could expire before it is read."""

    postgres: Postgres
    clock: Clock
    tombstone_ttl_seconds: int

    async def read(self) -> "SyncStatusView":
        """Return the status of all projects together."""
        from shared.models.views import PositionView, SyncStatusView

        async with self.postgres.sweeper() as transaction:
            rows = await transaction.all(POSITIONS["list_positions"])
            letters = await transaction.all(SQL["count_open_letters"])
            drift = await _drift(transaction)
            refused = await transaction.one(SQL["refused_and_open"])
        lag = self._lag(rows)
        view = SyncStatusView(
            lag_seconds=lag,
            reader=_reader(rows),
            positions=[
                PositionView(name=row["name"], position=row["position"], moved_at=row["updated_at"]) for row in rows
            ],
            drift=drift,
            dead_letters={row["stage"]: row["letters"] for row in letters},
            alerts=[],
        )
        if lag is None:
            view.alerts.append("feed_never_read")
        elif self._too_far_behind(lag):
            view.alerts.append("feed_lag_exceeds_half_of_ttl")
        # The next runs compare other interactions: what was refused is not over with the run that refused it.
        if (drift and drift.refused) or (refused and refused["found"]):
            view.alerts.append("reconciliation_refused")
        return view

    async def watch(self) -> None:
        """Log the reader's lag; as an error, for an alert to fire on, when it exceeds half of the tombstones' TTL.

        Before the first reading has begun nothing is known of it, and that is said as a warning.
        """
        async with self.postgres.sweeper() as transaction:
            rows = await transaction.all(POSITIONS["list_positions"])
        lag = self._lag(rows)
        if lag is None:
            warning("feed_never_read")
            return
        event("feed_lag", seconds=round(lag, 3))
        if self._too_far_behind(lag):
            event("feed_lag_exceeds_half_of_ttl", logging.ERROR, seconds=round(lag), ttl=self.tombstone_ttl_seconds)

    def _too_far_behind(self, lag: float) -> bool:
        return lag > self.tombstone_ttl_seconds / 2

    def _lag(self, rows: list[Row]) -> float | None:
        """Return the seconds since the moment before which everything is applied.

        It is counted from what is proved, not from the oldest change that the feed still shows: a tombstone that
        expired unread shows no more, and the lag must not shrink by it.
        """
        position, end = pick(rows)
        kept = Position.read(position["position"]) if position else None
        if kept is None:
            return None
        return max(0.0, (self.clock.now() - applied_until(kept, end)).total_seconds())


def _reader(rows: list[Row]) -> "FeedReaderView | None":
    from shared.models.views import FeedReaderView

    row, end = pick(rows)
    position = Position.read(row["position"]) if row else None
    if row is None or position is None:
        return None
    return FeedReaderView(
        reached_end_at=position.end_reached(end),
        last_change_at=datetime.fromtimestamp(position.last_ts, UTC) if position.last_ts is not None else None,
        moved_at=row["updated_at"],
        began_at=datetime.fromisoformat(position.began),
        began_why=position.why,
        ranges=len(position.ranges),
    )


async def _drift(transaction: Transaction) -> "DriftView | None":
    from shared.models.views import DriftView, FindingView

    row = await transaction.one(SQL["newest_reconciliation"])
    if row is None:
        return None
    counts = await transaction.all(SQL["count_open_findings"])
    findings = await transaction.all(SQL["list_open_findings"], limit=MOST_FINDINGS)
    return DriftView(
        **row,
        open_findings={found["kind"]: found["findings"] for found in counts},
        findings=[FindingView(**found) for found in findings],
    )
