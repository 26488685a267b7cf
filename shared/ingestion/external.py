"""accept_message: a message of another service takes the way of a webhook: kept raw, enqueued, stored."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import Permanent
from shared.failpoints import failpoint
from shared.identifiers import DeliveryId, canonical_json, sha256_hex
from shared.ingestion.intake import enqueue_kept, keep_raw
from shared.ingestion.provider import off_loop
from shared.ingestion.registry import provider_of
from shared.ingestion.sources import Sources
from shared.models.external import ExternalMessage
from shared.models.work import BlobContainer
from shared.stores.blobs import Blobs
from shared.stores.queues import Queues


@dataclass(frozen=True, slots=True)
class External:
    """Accepts messages from `external-messages`. The same message again is the same delivery."""

    sources: Sources
    blobs: Blobs
    queues: Queues
    clock: Clock

    async def accept(self, message: ExternalMessage) -> DeliveryId:
        """Keep a message and enqueue its delivery; return the delivery's id.

        Raises Rejected or Permanent for what no retry makes right, Transient when Blob or key are out of reach.
        """
        source = await self.sources.find(message.source)
        if source.channel != "queue":
            raise Permanent(f"the source takes {source.channel} webhooks, not messages from a queue")
        if not source.enabled:
            raise Permanent("the source is disabled")
        provider = provider_of(source)
        raw = await self._raw(message, provider.max_body_bytes)
        # The id is the sender's, so alone it could hide another message.
        key = f"{message.id}:{sha256_hex(raw)}"
        await off_loop(provider.parse, raw, source, key)
        work = await keep_raw(self.blobs, source, key, raw, self.clock.now())
        failpoint("external.blob_put")
        await enqueue_kept(self.queues, work)
        failpoint("external.enqueued")
        return DeliveryId(work.delivery_id)

    async def _raw(self, message: ExternalMessage, max_bytes: int) -> bytes:
        if message.blob is None:
            return canonical_json(message.message)
        blob = await self.blobs.get(BlobContainer.EXTERNAL, message.blob, max_bytes=max_bytes)
        if blob is None:
            raise Permanent(f"there is no such blob in {BlobContainer.EXTERNAL.value}: write it before the message")
        return blob.raw
