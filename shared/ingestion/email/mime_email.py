"""Raw mail (RFC 5322) as a mail server or relay hands it on, signed as our JSON formats are."""

from typing import Any

from shared.errors import Rejected
from shared.identifiers import sha256_hex
from shared.ingestion.email.mime_headers import read_header
from shared.ingestion.email.mime_mail import Mail
from shared.ingestion.email.mime_reader import MailReader
from shared.ingestion.email.replies import without_quotes
from shared.ingestion.signed_webhook import SignedWebhook
from shared.models.messages import Channel, Identity, IncomingAttachment, IncomingMessage, Thread
from shared.models.sources import Source
from shared.models.text import storable


class MimeEmail(SignedWebhook):
    """`message/rfc822`. What has a header is accepted; a mail that can't be parsed is quarantined with its raw body."""

    channel: Channel = "email"
    max_body_bytes = 30_000_000
    content_types = ("message/rfc822", "application/octet-stream")

    def __init__(self) -> None:
        self._reader = MailReader()

    def keys(self, raw: bytes, source: Source, delivery_key: str) -> list[str]:  # noqa: ARG002 # the interface's
        """Return Message-ID and hash, of a mail whose header alone is read. Raises Rejected 422 without any header."""
        header = read_header(raw)
        if not header.is_mail:
            raise Rejected(422, "the body is no mail: it has no header", field="body")
        identifier, digest = header.message_id, sha256_hex(raw)
        # The Message-ID is the sender's, so alone it could hide another mail.
        return [f"{storable(identifier)}:{digest}" if identifier else digest]

    def parse(self, raw: bytes, source: Source, delivery_key: str) -> list[IncomingMessage]:
        """Return the one mail of the body, always inbound: who it says it is from proves nothing."""
        (key,) = self.keys(raw, source, delivery_key)
        mail = self._reader.read(raw)
        return [
            IncomingMessage(
                key=key,
                type="email",
                direction="inbound",
                identities=(Identity("email", mail.sender),),
                display_name=mail.sender_name or None,
                thread=Thread(own=mail.message_id, earlier=mail.references),
                subject=mail.subject or None,
                content=mail.text,
                new_text=without_quotes(mail.text),
                content_type="text",
                sent_at=mail.sent_at,
                external_id=mail.message_id,
                sender=mail.sender,
                recipients=tuple(dict.fromkeys((*mail.to, *mail.cc))),
                attachments=tuple(
                    IncomingAttachment(each.filename, each.content_type, each.raw) for each in mail.files
                ),
                metadata=_metadata(mail),
                html=mail.html,
            )
        ]


def _metadata(mail: Mail) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "subject": mail.subject,
        "from": mail.sender,
        "to": list(mail.to[:20]),
        "attachments": len(mail.files),
        "flags": list(mail.flags),
    }
    inline = [position for position, file in enumerate(mail.files) if file.inline]
    return (
        metadata | ({"messageId": mail.message_id} if mail.message_id else {}) | ({"inline": inline} if inline else {})
    )
