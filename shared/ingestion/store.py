"""store_message: a raw delivery becomes interactions in Postgres and Cosmos DB, then work for the analysis."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from shared.clock import Clock, microseconds
from shared.errors import Permanent, Rejected
from shared.failpoints import failpoint
from shared.identifiers import DeliveryId, ProjectId, SourceId, interaction_id, message_id
from shared.inbox.attachments import StoredAttachment, keep_attachments
from shared.inbox.history import Arrival, record_arrival
from shared.ingestion.provider import off_loop
from shared.ingestion.raw import from_metadata
from shared.ingestion.registry import provider_of
from shared.ingestion.sources import Sources
from shared.models.documents import new_document
from shared.models.messages import IncomingMessage
from shared.models.sources import Source
from shared.models.work import AttachmentWork, BlobContainer, DeliveryWork, MessageWork, QueueName
from shared.stores.blobs import Blobs
from shared.stores.cosmos import Documents
from shared.stores.postgres import Postgres, Row
from shared.stores.queues import Queues
from shared.stores.sql import SqlBlocks
from shared.telemetry import warning

SQL = SqlBlocks(Path(__file__).with_name("deliveries.sql"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery with what its blob says of it."""

    project_id: ProjectId
    id: DeliveryId
    source: Source
    blob_name: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Store:
    """Stores deliveries. May run twice for one delivery, at the same time or later: every step is idempotent."""

    sources: Sources
    blobs: Blobs
    postgres: Postgres
    documents: Documents
    queues: Queues
    clock: Clock
    patience: timedelta  # how long a deferral may take, and so how long the sweep leaves a delivery alone

    async def store(self, work: DeliveryWork) -> None:
        """Store every message of a delivery that is not done yet.

        A body that can't be parsed ends as a quarantined delivery. Raises Permanent when the raw body is gone.
        """
        done = await self._begin(work)
        if done is None:
            return
        blob = await self.blobs.get(BlobContainer.INBOUND, work.blob)
        if blob is None:
            raise Permanent("the raw body is not in Blob Storage")
        source = await self.sources.find(work.source_id)
        if source.project_id != work.project_id:
            raise Permanent("the source belongs to another project than the delivery")
        received_at, key = from_metadata(blob.metadata)
        delivery = Delivery(ProjectId(work.project_id), DeliveryId(work.delivery_id), source, work.blob, received_at)
        try:
            messages = await off_loop(provider_of(source).parse, blob.raw, source, key)
        except (Rejected, Permanent) as error:
            warning("delivery.quarantined", delivery=delivery.id)
            await self._end(delivery, "quarantined", str(error))
            return
        await self._store_all(delivery, messages, done)

    async def _begin(self, work: DeliveryWork) -> set[int] | None:
        """Take up a delivery: the positions that are done, or None when all of it came to its end before."""
        scope = {"project_id": work.project_id, "id": work.delivery_id}
        now = self.clock.now()
        async with self.postgres.tenant(ProjectId(work.project_id)) as transaction:
            await transaction.execute(
                SQL["upsert_delivery"],
                **scope,
                source_id=work.source_id,
                blob_name=work.blob,
                received_at=now,
                next_look_at=now + self.patience,
            )
            row = await transaction.one(SQL["delivery_progress"], **scope)
        assert row is not None  # noqa: S101 # upserted by the statement before, in this transaction
        return None if row["state"] == "done" else set(row["done"])

    async def _store_all(self, delivery: Delivery, messages: list[IncomingMessage], done: set[int]) -> None:
        for position, message in enumerate(messages):
            if position not in done:
                await self._store_one(delivery, position, message)
        await self._end(delivery, "done", None)
        failpoint("store.done")

    async def _store_one(self, delivery: Delivery, position: int, message: IncomingMessage) -> None:
        project, source = delivery.project_id, SourceId(delivery.source.id)
        interaction = interaction_id(project, source, message.key)
        arrival = Arrival(
            project_id=project,
            source_id=source,
            agent_id=delivery.source.default_agent_id,
            interaction_id=interaction,
            message_id=message_id(project, interaction),
            message=message,
            received_at=delivery.received_at,
        )
        files = await keep_attachments(self.blobs, project, arrival.message_id, message.attachments)
        failpoint("store.attachments_kept")
        committed = await self._commit(delivery, position, arrival, files)
        failpoint("store.postgres_committed")
        if committed["deleted_at"] is None:
            await self.documents.create(new_document(committed, version=microseconds(self.clock.now())))
            failpoint("store.cosmos_created")
            await self._enqueue_analysis(arrival, files)
            failpoint("store.analysis_enqueued")
        async with self.postgres.tenant(project) as transaction:
            await transaction.execute(
                SQL["finish_delivery_message"], project_id=project, delivery_id=delivery.id, position=position
            )

    async def _commit(self, delivery: Delivery, position: int, arrival: Arrival, files: list[StoredAttachment]) -> Row:
        async with self.postgres.tenant(delivery.project_id) as transaction:
            committed = await record_arrival(transaction, arrival, files)
            await transaction.execute(
                SQL["insert_delivery_message"],
                project_id=delivery.project_id,
                delivery_id=delivery.id,
                position=position,
                interaction_id=arrival.interaction_id,
            )
        return committed

    async def _enqueue_analysis(self, arrival: Arrival, files: list[StoredAttachment]) -> None:
        ids = {
            "project_id": arrival.project_id,
            "interaction_id": arrival.interaction_id,
            "message_id": arrival.message_id,
        }
        await self.queues.send(QueueName.MESSAGE_ANALYSIS, MessageWork(**ids))
        for file in files:
            await self.queues.send(QueueName.ATTACHMENT_ANALYSIS, AttachmentWork(**ids, attachment_id=file.id))

    async def _end(self, delivery: Delivery, state: str, reason: str | None) -> None:
        async with self.postgres.tenant(delivery.project_id) as transaction:
            await transaction.execute(
                SQL["end_delivery"],
                project_id=delivery.project_id,
                id=delivery.id,
                source_id=delivery.source.id,
                blob_name=delivery.blob_name,
                state=state,
                reason=reason,
                received_at=delivery.received_at,
            )
