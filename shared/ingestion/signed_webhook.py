"""What every provider that is signed by Standard Webhooks shares: proof, retries, answer."""

import json
from abc import ABC
from datetime import datetime

from shared.errors import Rejected
from shared.identifiers import sha256_hex
from shared.ingestion import standard_webhooks
from shared.ingestion.provider import Answer, Receipt, WebhookRequest
from shared.models.sources import Source


class SignedWebhook(ABC):
    """Base of our own formats, whatever is in the body."""

    content_types: tuple[str, ...]

    def handshake(self, request: WebhookRequest, source: Source) -> Answer | None:  # noqa: ARG002 # the interface's
        """Our formats have none."""
        return None

    def verify(self, request: WebhookRequest, source: Source, now: datetime) -> None:
        """Check the Standard Webhooks signature, then what the body claims to be. Raises Rejected 401 or 415."""
        standard_webhooks.verify(request.headers, request.raw, source.secrets, now)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in self.content_types:
            raise Rejected(415, f"content-type must be {' or '.join(self.content_types)}", field="content-type")

    def delivery_key(self, request: WebhookRequest) -> str:
        """Return `webhook-id` with the body's hash: the id is the sender's, so alone it could hide another body."""
        return f"{request.headers['webhook-id']}:{sha256_hex(request.raw)}"

    def acknowledge(self, receipt: Receipt) -> Answer:
        """Return 202 with the ids, and where to ask how far the delivery came."""
        body = {"deliveryId": str(receipt.delivery_id), "interactionIds": [str(i) for i in receipt.interaction_ids]}
        hour = f"{receipt.received_at:%Y-%m-%d-%H}"
        location = f"/api/v1/ingest/deliveries/{receipt.delivery_id}?source={receipt.source_id}&hour={hour}"
        return Answer(202, json.dumps(body).encode(), "application/json", {"Location": location})
