"""JSON email: one mail a call, as a mail service or another system of the user sends it."""

from dataclasses import replace
from typing import Any

from shared.ingestion.addresses import mailbox
from shared.ingestion.email.html import html_to_text, read_html
from shared.ingestion.email.html_hidden import FLAG
from shared.ingestion.email.replies import without_quotes
from shared.ingestion.email.sanitized import sanitized
from shared.ingestion.json_body import read_json
from shared.ingestion.json_message import JsonWebhook, attachments
from shared.models.messages import Channel, IncomingMessage, Thread
from shared.models.sources import Source
from shared.models.text import MAX_CONTENT_BYTES, cut, storable
from shared.models.webhooks import EmailIn


class JsonEmail(JsonWebhook):
    """The format `EmailIn` of the API description."""

    channel: Channel = "email"
    max_body_bytes = 30_000_000

    def keys(self, raw: bytes, source: Source, delivery_key: str) -> list[str]:  # noqa: ARG002 # the interface's
        """Return the key of the one mail, all of which but its HTML is checked."""
        mail, content_hash = read_json(raw, EmailIn)
        return [_message(mail, content_hash).key]

    def parse(self, raw: bytes, source: Source, delivery_key: str) -> list[IncomingMessage]:  # noqa: ARG002 # the interface's
        """Return the one mail of the body."""
        mail, content_hash = read_json(raw, EmailIn)
        message = _message(mail, content_hash)
        html, flags = sanitized(storable(mail.html), {}) if mail.html else (None, set[str]())
        if mail.html and not _plain(mail) and read_html(storable(mail.html))[1]:
            flags |= {FLAG}
        metadata = message.metadata | ({"flags": sorted(flags)} if flags else {})
        return [replace(message, html=html or None, metadata=metadata)]


def _message(mail: EmailIn, content_hash: str) -> IncomingMessage:
    sender_name, sender = mailbox(mail.sender, field="from")
    recipients = [mailbox(text, field=f"to[{position}]") for position, text in enumerate(mail.to)]
    copies = [mailbox(text, field=f"cc[{position}]") for position, text in enumerate(mail.cc)]
    name, contact = recipients[0] if mail.direction == "outbound" else (sender_name, sender)
    text = _text(mail)
    return IncomingMessage(
        key=f"{mail.message_id}:{content_hash}",
        type="email",
        direction=mail.direction,
        identities=(contact,),
        display_name=storable(name) if name else None,
        thread=_thread(mail),
        subject=storable(mail.subject)[:500] or None,
        content=text,
        new_text=without_quotes(text),
        content_type="text",
        sent_at=mail.sent_at,
        external_id=storable(mail.message_id),
        sender=sender.value,
        recipients=tuple(identity.value for _, identity in (*recipients, *copies)),
        attachments=attachments(mail.attachments),
        metadata=_metadata(mail, sender.value, [identity.value for _, identity in recipients]),
    )


def _text(mail: EmailIn) -> str:
    plain = _plain(mail)
    if plain:
        return cut(storable(plain), 2 * MAX_CONTENT_BYTES)
    return html_to_text(storable(mail.html)) if mail.html else ""


def _plain(mail: EmailIn) -> str:
    return mail.text if mail.text and mail.text.strip() else ""


def _thread(mail: EmailIn) -> Thread:
    # References run from the thread's first mail to the one answered; the first is what all replies share.
    earlier = [*mail.references, *([mail.in_reply_to] if mail.in_reply_to else [])]
    return Thread(
        provider_id=storable(mail.thread_id) if mail.thread_id else None,
        own=storable(mail.message_id),
        earlier=tuple(storable(key)[:998] for key in earlier),
    )


def _metadata(mail: EmailIn, sender: str, to: list[str]) -> dict[str, Any]:
    return {
        "subject": storable(mail.subject)[:500],
        "from": sender,
        "to": to[:20],
        "messageId": storable(mail.message_id),
        "attachments": len(mail.attachments),
    }
