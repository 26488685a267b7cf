"""JSON chat: one message a call, of a client in a conversation."""

from shared.ingestion.addresses import email_identity, phone_identity
from shared.ingestion.json_body import read_json
from shared.ingestion.json_message import JsonWebhook, attachments
from shared.models.messages import Channel, Identity, IncomingMessage, Thread
from shared.models.sources import Source
from shared.models.text import storable
from shared.models.webhooks import ChatIn


class JsonChat(JsonWebhook):
    """The format `ChatIn` of the API description."""

    channel: Channel = "chat"
    max_body_bytes = 1_000_000

    def parse(self, raw: bytes, source: Source, delivery_key: str) -> list[IncomingMessage]:
        """Return the one message of the body."""
        chat, content_hash = read_json(raw, ChatIn)
        text = storable(chat.content)
        return [
            IncomingMessage(
                key=f"{chat.message_id or delivery_key}:{content_hash}",
                type="chat",
                direction=chat.direction,
                identities=_identities(chat, source),
                display_name=storable(chat.name) if chat.name else None,
                thread=Thread(provider_id=storable(chat.conversation_id)),
                subject=None,
                content=text,
                new_text=text,
                content_type=chat.content_type,
                sent_at=chat.sent_at,
                external_id=storable(chat.message_id) if chat.message_id else None,
                sender=storable(chat.client_id),
                recipients=(),
                attachments=attachments(chat.attachments),
                metadata={"clientId": storable(chat.client_id), "conversationId": storable(chat.conversation_id)},
            )
        ]


def _identities(chat: ChatIn, source: Source) -> tuple[Identity, ...]:
    """Email and phone are known across channels, so they say who it is before the chat id does."""
    known = [email_identity(chat.email, field="email")] if chat.email else []
    if chat.phone:
        known.append(phone_identity(chat.phone, field="phone"))
    return (*known, Identity("chat", f"{source.id}/{storable(chat.client_id)}"))
