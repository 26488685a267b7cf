"""sweep_inbound: finds raw deliveries that nobody is storing, and enqueues them again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.clock import Clock
from shared.identifiers import ProjectId
from shared.ingestion.raw import HOUR, RawName, hour_of
from shared.ingestion.store import SQL
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from shared.stores.blobs import Blobs
from shared.stores.postgres import Postgres
from shared.stores.queues import Queues
from shared.telemetry import warning

POSITION = "sweep_inbound"
PAGE = 500
BACKLOG = 500  # messages; a few minutes of work


@dataclass(frozen=True, slots=True)
class _Found:
    name: RawName
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Sweep:
    """Reads the raw deliveries hour by hour, from the first hour that was not all at an end."""

    blobs: Blobs
    postgres: Postgres
    queues: Queues
    clock: Clock
    after: timedelta  # younger deliveries are on their way
    patience: timedelta  # how long one that is enqueued again is left alone

    async def sweep(self) -> int:
        """Enqueue every delivery that is older than `after`, not at an end and not being worked on; return how many."""
        if await self.queues.backlog(QueueName.INBOUND) > BACKLOG:
            # What waits its turn in a long queue is not lost: enqueuing it again would only make the queue longer.
            return 0
        now, enqueued, first_open = self.clock.now(), 0, None
        for hour in _hours(await self._watermark(now), now):
            finished = True
            async for page in self._pages(hour):
                stale, all_final = await self._stale(page, now)
                finished = finished and all_final
                enqueued += await self._enqueue(stale, now)
            if not finished and first_open is None:
                first_open = hour
        await self._move_watermark(first_open or hour_of(now - self.after))
        if enqueued:
            warning("sweep_inbound.enqueued", deliveries=enqueued)
        return enqueued

    async def _pages(self, hour: str) -> AsyncIterator[list[_Found]]:
        page: list[_Found] = []
        async for listed in self.blobs.list(BlobContainer.INBOUND, f"{hour}/"):
            name = RawName.parse(listed.name)
            if name:
                page.append(_Found(name, listed.written_at))
            if len(page) == PAGE:
                yield page
                page = []
        if page:
            yield page

    async def _stale(self, page: list[_Found], now: datetime) -> tuple[list[_Found], bool]:
        async with self.postgres.sweeper() as transaction:
            rows = await transaction.all(
                SQL["settled_deliveries"],
                ids=[found.name.delivery_id for found in page],
                projects=[found.name.project_id for found in page],
                now=now,
            )
        settled: dict[UUID, bool] = {row["id"]: row["final"] for row in rows}
        stale = [
            found for found in page if found.written_at <= now - self.after and found.name.delivery_id not in settled
        ]
        return stale, all(settled.get(found.name.delivery_id, False) for found in page)

    async def _enqueue(self, stale: list[_Found], now: datetime) -> int:
        for found in stale:
            name = found.name
            await self.queues.send(
                QueueName.INBOUND,
                DeliveryWork(
                    project_id=name.project_id, source_id=name.source_id, delivery_id=name.delivery_id, blob=str(name)
                ),
            )
            # After the send: a crash in between costs a double, the other order would cost the delivery its turn.
            async with self.postgres.tenant(ProjectId(name.project_id)) as transaction:
                await transaction.execute(
                    SQL["upsert_delivery"],
                    project_id=name.project_id,
                    id=name.delivery_id,
                    source_id=name.source_id,
                    blob_name=str(name),
                    received_at=found.written_at,
                    next_look_at=now + self.patience,
                )
        return len(stale)

    async def _watermark(self, now: datetime) -> str:
        async with self.postgres.sweeper() as transaction:
            row = await transaction.one(SQL["get_position"], name=POSITION)
        return row["position"] if row else hour_of(now - timedelta(days=2))

    async def _move_watermark(self, hour: str) -> None:
        async with self.postgres.sweeper() as transaction:
            await transaction.execute(SQL["put_position"], name=POSITION, position=hour)


def _hours(first: str, now: datetime) -> list[str]:
    moment = datetime.strptime(first, HOUR).replace(tzinfo=UTC)
    hours = []
    while moment <= now:
        hours.append(hour_of(moment))
        moment += timedelta(hours=1)
    return hours
