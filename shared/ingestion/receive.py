"""Ingest: verify, keep the raw bytes, enqueue. No database work; a 2xx means that the raw bytes are durable."""

from dataclasses import dataclass
from uuid import UUID

from shared.clock import Clock
from shared.errors import HubError, Rejected
from shared.failpoints import failpoint
from shared.identifiers import DeliveryId, ProjectId, SourceId, interaction_id
from shared.ingestion.intake import enqueue_kept, keep_raw
from shared.ingestion.provider import Answer, Provider, Receipt, WebhookRequest, keys_of
from shared.ingestion.registry import provider_of
from shared.ingestion.sources import Sources
from shared.models.messages import Channel
from shared.models.sources import Source
from shared.stores.blobs import Blobs
from shared.stores.queues import Queues


@dataclass(frozen=True, slots=True)
class Ingest:
    """Accepts webhook calls."""

    sources: Sources
    blobs: Blobs
    queues: Queues
    clock: Clock

    async def receive(self, channel: Channel, source_id: str, request: WebhookRequest) -> Answer:
        """Accept one call for a source and answer as its provider expects.

        Raises Rejected (4xx, nothing changed) or Transient (nothing accepted: the provider is to send again).
        """
        source = await self.sources.find(_uuid(source_id))
        provider = provider_of(source)
        if source.channel != channel:
            raise Rejected(404, f"this source does not take {channel}", field="source")
        if len(request.raw) > provider.max_body_bytes:
            raise Rejected(413, f"the body is larger than {provider.max_body_bytes} bytes", field="body")
        greeting = provider.handshake(request, source)
        if greeting:
            return greeting
        if not request.raw:
            raise Rejected(400, "the body is empty, or came without Content-Length", field="body")
        self._verify(provider, request, source)
        delivery_key = provider.delivery_key(request)
        keys = await keys_of(provider, request.raw, source, delivery_key)
        return provider.acknowledge(await self._keep(request.raw, source, delivery_key, keys))

    def _verify(self, provider: Provider, request: WebhookRequest, source: Source) -> None:
        if not source.secrets:
            raise Rejected(401, "this source is disabled", field="source")
        try:
            provider.verify(request, source, self.clock.now())
        except HubError:
            raise
        except Exception as error:  # hostile headers break a verifier in many ways; the call is not proven
            raise Rejected(401, "the signature can't be read") from error

    async def _keep(self, raw: bytes, source: Source, delivery_key: str, keys: list[str]) -> Receipt:
        project, identifier, received_at = ProjectId(source.project_id), SourceId(source.id), self.clock.now()
        failpoint("ingest.verified")
        work = await keep_raw(self.blobs, source, delivery_key, raw, received_at)
        failpoint("ingest.blob_put")
        await enqueue_kept(self.queues, work)
        failpoint("ingest.enqueued")
        interactions = tuple(interaction_id(project, identifier, key) for key in keys)
        return Receipt(project, identifier, DeliveryId(work.delivery_id), interactions, received_at)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Rejected(404, "there is no such source", field="source") from None
