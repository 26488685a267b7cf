"""What a provider of webhooks must do. One file and one registry line each; vendor names appear nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.identifiers import DeliveryId, InteractionId
from shared.models.messages import Channel, IncomingMessage
from shared.models.sources import Source


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One call as it came: header names in lower case, the body's exact bytes."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider expects to hear."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was accepted: durable under `delivery_id`, to become these interactions."""

    project_id: UUID
    source_id: UUID
    delivery_id: DeliveryId
    interaction_ids: tuple[InteractionId, ...]
    received_at: datetime


class Provider(Protocol):
    """A wire format with its handshake, its proof of origin, its parser and its answer."""

    channel: Channel
    max_body_bytes: int

    def handshake(self, request: WebhookRequest, source: Source) -> Answer | None:
        """Answer a call that only sets the webhook up; None for a delivery."""
        ...

    def verify(self, request: WebhookRequest, source: Source, now: datetime) -> None:
        """Prove over the raw bytes that the source's sender sent this. Raises Rejected 401."""
        ...

    def delivery_key(self, request: WebhookRequest) -> str:
        """Return what is the same for every retry of this call and for no other call."""
        ...

    def parse(self, raw: bytes, source: Source, delivery_key: str) -> list[IncomingMessage]:
        """Return the messages of a body. Raises Rejected 400 or 422 that names the field."""
        ...

    def acknowledge(self, receipt: Receipt) -> Answer:
        """Return the answer that tells the provider not to send this again."""
        ...
