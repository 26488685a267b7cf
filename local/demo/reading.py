"""The answers of the hub's API, as far as the demo looks at them."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Item = TypeVar("Item")
FINAL_STATES = frozenset({"done", "quarantined", "dead"})


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Page(_Answer, Generic[Item]):
    """Some of a list; `next_cursor` is there when more follow."""

    items: list[Item]
    next_cursor: str | None = None


class Accepted(_Answer):
    """The answer to a webhook: the delivery is durable."""

    delivery_id: str


class DeliveryMessage(_Answer):
    """One message of a delivery; `interaction_id` once it is stored."""

    interaction_id: str | None = None
    state: str


class Delivery(_Answer):
    """How far a delivery has come."""

    id: str
    state: str
    messages: list[DeliveryMessage]

    @property
    def is_final(self) -> bool:
        """Say whether nothing more will happen to it."""
        return self.state in FINAL_STATES


class Classification(_Answer):
    """What a message is about."""

    intent: str
    category: str
    priority: str
    language: str


class Sentiment(_Answer):
    """How its writer feels, from -1 to 1."""

    label: str
    score: float


class Entity(_Answer):
    """Something named in it, as a normalised value."""

    type: str
    value: str


class Analysis(_Answer):
    """What was understood of one message."""

    engine: str
    classification: Classification
    sentiment: Sentiment | None = None
    entities: list[Entity] = Field(default_factory=list)
    created_at: datetime


class Attachment(_Answer):
    """One file of a message; `analysis` once it was looked at."""

    filename: str
    content_type: str
    size_bytes: int
    analysis: dict[str, Any] | None = None


class Interaction(_Answer):
    """One email or chat message with what was understood of it."""

    id: str
    type: str
    direction: str | None
    timestamp: datetime
    subject: str | None = None
    content: str = ""
    new_text: str | None = None
    summary: str | None = None
    conversation_id: str | None = None
    analysis: Analysis | None = None
    attachments: list[Attachment] = Field(default_factory=list)

    @property
    def is_understood(self) -> bool:
        """Say whether the message and each of its files have their analysis."""
        return self.analysis is not None and all(file.analysis is not None for file in self.attachments)


class Identity(_Answer):
    """One address of a contact."""

    type: str
    value: str


class Contact(_Answer):
    """The person on the other side."""

    id: str
    display_name: str | None = None
    identities: list[Identity]


class Fact(_Answer):
    """Something worth keeping about a contact."""

    context_type: str
    data: dict[str, Any]


class Context(_Answer):
    """One contact's unified history."""

    contact: Contact
    interactions: Page[Interaction]
    facts: Page[Fact]
