"""Work to do: queue messages of names and ids, at most 2 KB, never content. Versioned, so old meets new on deploy."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

MAX_WORK_BYTES = 2048


class QueueName(StrEnum):
    """The queues of the hub; each has a `-poison` twin that the platform fills."""

    INBOUND = "inbound-messages"
    MESSAGE_ANALYSIS = "message-analysis"
    ATTACHMENT_ANALYSIS = "attachment-analysis"


class BlobContainer(StrEnum):
    """The blob containers of the hub."""

    INBOUND = "inbound"
    SOURCES = "sources"
    ATTACHMENTS = "attachments"


def poison(queue: QueueName) -> str:
    """Return the name of the queue that takes what failed five times."""
    return f"{queue.value}-poison"


class Work(BaseModel):
    """What every queue message carries; `attempt` counts deferrals, not the queue's own dequeues."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    version: Literal[1] = 1
    project_id: UUID
    attempt: int = 0


class DeliveryWork(Work):
    """Store what the raw body of one delivery holds."""

    source_id: UUID
    delivery_id: UUID
    blob: str


class MessageWork(Work):
    """Analyse one message."""

    interaction_id: UUID
    message_id: UUID


class AttachmentWork(Work):
    """Analyse one attachment."""

    interaction_id: UUID
    message_id: UUID
    attachment_id: UUID
