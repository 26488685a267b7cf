"""Work to do: queue messages of names and ids, at most 2 KB, never content. Versioned, so old meets new on deploy.

What other services put into a queue is in `external.py`; `Asked…` is what they may put into the analysis queues.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

MAX_WORK_BYTES = 2048


class QueueName(StrEnum):
    """The queues of the hub; each has a `-poison` twin that the platform fills."""

    EXTERNAL = "external-messages"
    INBOUND = "inbound-messages"
    MESSAGE_ANALYSIS = "message-analysis"
    ATTACHMENT_ANALYSIS = "attachment-analysis"


class BlobContainer(StrEnum):
    """The blob containers of the hub."""

    INBOUND = "inbound"
    SOURCES = "sources"
    ATTACHMENTS = "attachments"
    EXTERNAL = "external-inbound"


def poison(queue: QueueName) -> str:
    """Return the name of the queue that takes what failed five times."""
    return f"{queue.value}-poison"


class Task(BaseModel):
    """What every queue message carries; `attempt` counts deferrals, not the queue's own dequeues."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
    max_bytes: ClassVar[int] = MAX_WORK_BYTES

    version: Literal[1] = 1
    attempt: Annotated[int, Field(ge=0, description="How often the hub put this off; senders leave it out")] = 0


class Work(Task):
    """Work of one project."""

    project_id: UUID


class DeliveryWork(Work):
    """Store what the raw body of one delivery holds."""

    source_id: UUID
    delivery_id: UUID
    blob: str


class AnalysisWork(Work):
    """An analysis; one that somebody asked for says who."""

    user_id: Annotated[UUID | None, Field(description="Who asks, for the log of model calls; null is nobody")] = None


class MessageWork(AnalysisWork):
    """Analyse one message."""

    interaction_id: UUID
    message_id: UUID


class AttachmentWork(AnalysisWork):
    """Analyse one attachment."""

    interaction_id: UUID
    message_id: UUID
    attachment_id: UUID


class AskedMessage(AnalysisWork):
    """Analyse one message, by its id alone: what `message-analysis` takes from anyone."""

    message_id: UUID
    interaction_id: Annotated[UUID | None, Field(description="Looked up when it is left out")] = None


class AskedAttachment(AnalysisWork):
    """Analyse one attachment, by its id alone: what `attachment-analysis` takes from anyone."""

    attachment_id: UUID
    message_id: Annotated[UUID | None, Field(description="Looked up when it is left out")] = None
    interaction_id: Annotated[UUID | None, Field(description="Looked up when it is left out")] = None
