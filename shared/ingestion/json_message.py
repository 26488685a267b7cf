"""What JSON email and JSON chat share: signature, retries, attachments, answer."""

import binascii
import json
from base64 import b64decode
from datetime import datetime
from pathlib import PurePosixPath

from shared.errors import Rejected
from shared.identifiers import sha256_hex
from shared.ingestion import standard_webhooks
from shared.ingestion.provider import Answer, Receipt, WebhookRequest
from shared.models.messages import IncomingAttachment
from shared.models.sources import Source
from shared.models.text import storable
from shared.models.webhooks import AttachmentIn


class JsonWebhook:
    """Base of our own JSON formats; a format adds `channel`, `max_body_bytes` and `parse`."""

    def handshake(self, request: WebhookRequest, source: Source) -> Answer | None:  # noqa: ARG002 # the interface's
        """Our formats have none."""
        return None

    def verify(self, request: WebhookRequest, source: Source, now: datetime) -> None:
        """Check the Standard Webhooks signature, then that the body claims to be JSON."""
        standard_webhooks.verify(request.headers, request.raw, source.secrets, now)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Rejected(415, "content-type must be application/json", field="content-type")

    def delivery_key(self, request: WebhookRequest) -> str:
        """Return `webhook-id` with the body's hash: the id is the sender's, so alone it could hide another body."""
        return f"{request.headers['webhook-id']}:{sha256_hex(request.raw)}"

    def acknowledge(self, receipt: Receipt) -> Answer:
        """Return 202 with the ids, and where to ask how far the delivery came."""
        body = {"deliveryId": str(receipt.delivery_id), "interactionIds": [str(i) for i in receipt.interaction_ids]}
        hour = f"{receipt.received_at:%Y-%m-%d-%H}"
        location = f"/api/v1/ingest/deliveries/{receipt.delivery_id}?source={receipt.source_id}&hour={hour}"
        return Answer(202, json.dumps(body).encode(), "application/json", {"Location": location})


def attachments(files: list[AttachmentIn]) -> tuple[IncomingAttachment, ...]:
    """Return the files decoded. Raises Rejected 422 for what is not base64."""
    return tuple(_decoded(file, f"attachments[{position}]") for position, file in enumerate(files))


def _decoded(file: AttachmentIn, path: str) -> IncomingAttachment:
    try:
        raw = b64decode(file.content_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(422, f"{path}.contentBase64 is not base64", field=f"{path}.contentBase64") from None
    return IncomingAttachment(safe_filename(file.filename), storable(file.content_type).lower(), raw)


def safe_filename(name: str) -> str:
    """Return the last part of a file name, without control characters: never a path."""
    last = PurePosixPath(storable(name).replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable())[:255]
    return printable if printable.strip(". ") else "unnamed"
