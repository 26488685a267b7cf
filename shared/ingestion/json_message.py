"""What JSON email and JSON chat share: their keys are read with all the rest, and their files are base64."""

import binascii
from abc import abstractmethod
from base64 import b64decode

from shared.errors import Rejected
from shared.ingestion.filenames import safe_filename
from shared.ingestion.signed_webhook import SignedWebhook
from shared.models.messages import IncomingAttachment, IncomingMessage
from shared.models.sources import Source
from shared.models.text import storable
from shared.models.webhooks import AttachmentIn


class JsonWebhook(SignedWebhook):
    """Base of our own JSON formats; a format adds `channel`, `max_body_bytes` and `parse`."""

    content_types = ("application/json",)

    def keys(self, raw: bytes, source: Source, delivery_key: str) -> list[str]:
        """Return the keys of the messages, all of which is checked: our own formats are refused with the field."""
        return [message.key for message in self.parse(raw, source, delivery_key)]

    @abstractmethod
    def parse(self, raw: bytes, source: Source, delivery_key: str) -> list[IncomingMessage]:
        """Return the messages of a body."""


def attachments(files: list[AttachmentIn]) -> tuple[IncomingAttachment, ...]:
    """Return the files decoded. Raises Rejected 422 for what is not base64."""
    return tuple(_decoded(file, f"attachments[{position}]") for position, file in enumerate(files))


def _decoded(file: AttachmentIn, path: str) -> IncomingAttachment:
    try:
        raw = b64decode(file.content_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(422, f"{path}.contentBase64 is not base64", field=f"{path}.contentBase64") from None
    return IncomingAttachment(safe_filename(file.filename), storable(file.content_type).lower(), raw)
