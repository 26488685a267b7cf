"""A raw body becomes a delivery, whatever way it came: kept first, then enqueued."""

from datetime import datetime

from shared.errors import Transient
from shared.identifiers import ProjectId, SourceId, delivery_id
from shared.ingestion.raw import RawName, hour_of, to_metadata
from shared.models.sources import Source
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from shared.stores.blobs import Blobs
from shared.stores.queues import Queues
from shared.telemetry import warning


async def keep_raw(blobs: Blobs, source: Source, key: str, raw: bytes, received_at: datetime) -> DeliveryWork:
    """Keep a raw body under its delivery's id, which follows from source and key; return the work that is to be done.

    Raises Transient when the body could not be kept.
    """
    project = ProjectId(source.project_id)
    delivery = delivery_id(project, SourceId(source.id), key)
    name = str(RawName(hour_of(received_at), project, source.id, delivery))
    await blobs.put_new(
        BlobContainer.INBOUND,
        name,
        raw,
        # Not what the sender calls it: that may be no valid header, and nobody is to open it as such.
        content_type="application/octet-stream",
        metadata=to_metadata(received_at, key),
    )
    return DeliveryWork(project_id=project, source_id=source.id, delivery_id=delivery, blob=name)


async def enqueue_kept(queues: Queues, work: DeliveryWork) -> None:
    """Enqueue a delivery whose raw body is kept. A queue that is away is no error."""
    try:
        await queues.send(QueueName.INBOUND, work)
    except Transient as error:
        # The bytes are durable, so it is accepted; sweep_inbound enqueues it when the queue is back.
        warning("delivery.not_enqueued", delivery=work.delivery_id, reason=error)
