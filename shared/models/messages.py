"""A message as a provider's parser hands it on: plain values, the same for every channel."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Channel = Literal["email", "chat", "queue"]
Direction = Literal["inbound", "outbound"]
IdentityType = Literal["email", "phone", "chat"]


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """One address of a contact, normalised: email in lower case, phone in E.164, chat as `{source}/{client id}`."""

    type: IdentityType
    value: str


@dataclass(frozen=True, slots=True)
class Thread:
    """What a message says of its thread, strongest first; `own` is what later replies will refer to."""

    provider_id: str | None = None
    own: str | None = None
    earlier: tuple[str, ...] = ()

    def keys(self) -> list[str]:
        """Return every name this thread is known by. The first one names a thread that is not known yet."""
        named = [f"thread:{self.provider_id}"] if self.provider_id else []
        mail = [f"mail:{key}" for key in (*self.earlier, self.own) if key]
        return list(dict.fromkeys(named + mail))


@dataclass(frozen=True, slots=True)
class IncomingAttachment:
    """One file of a message, decoded."""

    filename: str
    content_type: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message. `key` identifies it within its source; `identities` are the contact's, strongest first.

    `sent_at` is None when the sender did not say it. `html` is safe to show, and names pictures among `attachments` as
    `attachment:` and the position; None without HTML, or when it passed a cap, which `metadata` then flags.
    """

    key: str
    type: str
    direction: Direction
    identities: tuple[Identity, ...]
    display_name: str | None
    thread: Thread
    subject: str | None
    content: str
    new_text: str
    content_type: str
    sent_at: datetime | None
    external_id: str | None
    sender: str
    recipients: tuple[str, ...]
    attachments: tuple[IncomingAttachment, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    html: str | None = None
