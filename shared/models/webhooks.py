"""The wire formats of our own webhooks: JSON email and JSON chat, one message a call."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

Direction = Literal["inbound", "outbound"]
Address = Annotated[
    str, Field(min_length=1, max_length=1000, description='`ada@example.com` or `"Ada" <ada@example.com>`')
]
MAX_ATTACHMENTS = 100
MAX_REFERENCES_CHARACTERS = 200_000  # 200 ids of the longest length a header line may have


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True, str_strip_whitespace=False)


class AttachmentIn(_Wire):
    """One file; `contentBase64` is standard base64 (RFC 4648 §4)."""

    filename: Annotated[str, Field(min_length=1, max_length=255)]
    content_type: Annotated[str, Field(min_length=1, max_length=255)]
    content_base64: str


class EmailIn(_Wire):
    """One email. The contact is `from`, or the first `to` when `direction` is `outbound`."""

    sender: Annotated[Address, Field(alias="from")]
    to: Annotated[list[Address], Field(min_length=1, max_length=500)]
    cc: Annotated[list[Address], Field(default_factory=list, max_length=500)]
    subject: Annotated[str, Field(max_length=2000)] = ""
    text: str | None = None
    html: str | None = None
    message_id: Annotated[str, Field(min_length=1, max_length=998)]
    in_reply_to: Annotated[str | None, Field(max_length=998)] = None
    references: Annotated[list[str], Field(default_factory=list, max_length=200)]
    thread_id: Annotated[str | None, Field(max_length=998)] = None
    sent_at: AwareDatetime
    direction: Direction = "inbound"
    attachments: Annotated[list[AttachmentIn], Field(default_factory=list, max_length=MAX_ATTACHMENTS)]

    @field_validator("references", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Take the header's own form too: ids separated by white space."""
        return value[:MAX_REFERENCES_CHARACTERS].split() if isinstance(value, str) else value


class ChatIn(_Wire):
    """One chat message. The contact is the client; `email` and `phone` join it to the other channels."""

    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    conversation_id: Annotated[str, Field(min_length=1, max_length=998)]
    message_id: Annotated[str | None, Field(min_length=1, max_length=998)] = None
    email: Annotated[str | None, Field(max_length=320)] = None
    phone: Annotated[str | None, Field(max_length=50)] = None
    name: Annotated[str | None, Field(max_length=255)] = None
    content: str
    content_type: Literal["text", "image", "file"] = "text"
    sent_at: AwareDatetime
    direction: Direction = "inbound"
    attachments: Annotated[list[AttachmentIn], Field(default_factory=list, max_length=MAX_ATTACHMENTS)]
