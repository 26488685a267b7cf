"""A source: a configured inbound endpoint of one project."""

from dataclasses import dataclass, field
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.models.messages import Channel


class PublishedSource(BaseModel):
    """A source as it stands in Blob for ingest; `sealed` holds its secrets, bound to project and source."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    project_id: UUID
    source_id: UUID
    channel: Channel
    provider: str
    default_agent_id: UUID | None
    enabled: bool
    version: int
    sealed: str


@dataclass(frozen=True, slots=True)
class Source:
    """A source with its secrets opened; none means disabled, two may be live for rotation."""

    project_id: UUID
    id: UUID
    channel: Channel
    provider: str
    default_agent_id: UUID | None
    secrets: tuple[str, ...] = field(repr=False)
    enabled: bool = True
