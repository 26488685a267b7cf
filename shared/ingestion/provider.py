"""What a provider of webhooks must do. One file and one registry line each; vendor names appear nowhere else."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.identifiers import DeliveryId, InteractionId
from shared.models.messages import Channel, IncomingMessage
from shared.models.sources import Source

LARGE_BODY_BYTES = 256_000  # from here on reading takes long enough to hold up other work


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

    def keys(self, raw: bytes, source: Source, delivery_key: str) -> list[str]:
        """Return the keys of the messages in a body, as `parse` gives them, reading no more than ingest must.

        That is what refuses nonsense and what ids are made of. Raises Rejected 400 or 422 that names the field.
        """
        ...

    def parse(self, raw: bytes, source: Source, delivery_key: str) -> list[IncomingMessage]:
        """Return the messages of a body; may take seconds. Raises Rejected 400 or 422, or Permanent, with the reason.

        Everything that parses has the keys that `keys` gives; what `keys` takes may still not parse.
        """
        ...

    def acknowledge(self, receipt: Receipt) -> Answer:
        """Return the answer that tells the provider not to send this again."""
        ...


async def off_loop(
    parse: Callable[[bytes, Source, str], list[IncomingMessage]], raw: bytes, source: Source, delivery_key: str
) -> list[IncomingMessage]:
    """Parse a body in a thread, so that nobody else waits for it: what is in a small one may take long, too."""
    return await asyncio.to_thread(parse, raw, source, delivery_key)


async def keys_of(provider: Provider, raw: bytes, source: Source, delivery_key: str) -> list[str]:
    """Return a body's keys, found in a thread when it is large."""
    if len(raw) < LARGE_BODY_BYTES:
        return provider.keys(raw, source, delivery_key)
    return await asyncio.to_thread(provider.keys, raw, source, delivery_key)
