"""What the read routes answer, camelCase JSON. Lists are pages: `items`, and `nextCursor` while there is more."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.models.analysis import Classification, Entity, Promise, Risk, Sentiment

Item = TypeVar("Item")


class View(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, defer_build=True, serialize_by_alias=True, extra="forbid"
    )


class Page(View, Generic[Item]):
    """A part of a list, newest first. `nextCursor` goes into `cursor` of the next call; null at the end."""

    items: list[Item]
    next_cursor: str | None = None


class IdentityView(View):
    """One address of a contact."""

    type: Literal["email", "phone", "chat"]
    value: str
    is_primary: bool


class ContactView(View):
    """A person on the other side."""

    id: UUID
    display_name: str | None
    identities: list[IdentityView]
    last_interaction_at: datetime | None
    created_at: datetime


class AnalysisView(View):
    """The latest analysis of a message. Offsets count code points of the interaction's `newText`.

    `risks` are what a person should know before trusting the message.
    """

    engine: str
    model: str
    prompt_version: str
    classification: Classification
    sentiment: Sentiment | None
    entities: list[Entity]
    topics: list[str]
    promises: list[Promise]
    risks: list[Risk]
    created_at: datetime


class AttachmentView(View):
    """A file of a message; `analysis` has a `status` and what was found, or why nothing was."""

    id: UUID
    filename: str
    content_type: str
    size_bytes: int
    url: str
    analysis: dict[str, Any] | None


class InteractionView(View):
    """One touch with a contact. `newText` is the content without quoted history, for messages.

    `etag` is the version for the `If-Match` of a correction, quotes included; null until Cosmos DB has confirmed it.
    `analysisState` is `none` where there is no message; `analysisReason` says why one is `deferred` or `failed`.
    """

    id: UUID
    etag: str | None
    agent_id: UUID | None
    contact_id: UUID
    organization_id: UUID | None
    conversation_id: UUID | None
    type: str
    direction: Literal["inbound", "outbound", "mutual"] | None
    timestamp: datetime
    subject: str | None
    content: str
    new_text: str | None
    summary: str | None
    sentiment_score: float | None
    metadata: dict[str, Any]
    analysis: AnalysisView | None
    analysis_state: Literal["none", "waiting", "deferred", "failed", "analysed"]
    analysis_reason: str | None
    attachments: list[AttachmentView]


class FactView(View):
    """One row of context about a contact.

    `data` of what an analysis found has the `fact`, the `quote` it stands in, and where: `start` and `end` count code
    points of the interaction's `newText`.
    """

    id: UUID
    contact_id: UUID
    interaction_id: UUID | None
    context_type: str
    data: dict[str, Any]
    origin: Literal["analysis", "api"]
    created_at: datetime


class ContextView(View):
    """All that an agent needs before answering: who it is, what was said lately, what is known."""

    contact: ContactView
    interactions: Page[InteractionView]
    facts: Page[FactView]


class NewFact(View):
    """A fact to be kept about a contact."""

    context_type: Annotated[str, Field(min_length=1, max_length=50, examples=["appraisal", "preference"])]
    data: Annotated[dict[str, Any], Field(min_length=1)]
    interaction_id: UUID | None = None


class DeliveryMessageView(View):
    """How far one message of a delivery came."""

    position: int
    interaction_id: UUID | None
    state: Literal["stored", "done", "quarantined", "dead"]
    reason: str | None


class DeliveryView(View):
    """How far a delivery came: `done`, `quarantined` and `dead` are ends."""

    id: UUID
    state: Literal["received", "done", "quarantined", "dead"]
    reason: str | None
    received_at: datetime | None
    messages: list[DeliveryMessageView]


class AcceptedView(View):
    """A delivery is durable; these interactions will come of it."""

    delivery_id: UUID
    interaction_ids: list[UUID]


class HealthView(View):
    """`ok` when every store answers; a check is `ok` or says what is wrong."""

    status: Literal["ok", "degraded"]
    checks: dict[str, str]


class FeedReaderView(View):
    """How far the pull reader came. `reachedEndAt`: whatever was written before it is applied; null in a first read.

    `lastChangeAt` is when the last document applied was written, to the second. A reading starts at the beginning of
    the feed, `beganWhy` says why.
    """

    reached_end_at: datetime | None
    last_change_at: datetime | None
    moved_at: datetime
    began_at: datetime
    began_why: Literal["first", "another container", "token refused"]
    ranges: int


class PositionView(View):
    """How far a reader that crosses projects came, in its own words."""

    name: str
    position: str
    moved_at: datetime


class FindingView(View):
    """One interaction whose document and row differ, since `firstSeenAt` and still at `lastSeenAt`."""

    project_id: UUID
    interaction_id: UUID
    contact_id: UUID
    kind: str
    first_seen_at: datetime
    last_seen_at: datetime


class DriftView(View):
    """What the newest comparison of both stores found, all projects together; `openFindings` counts by kind.

    `waiting` are differences too young to be any; `refused` projects differ too much to be repaired unasked. `findings`
    are the first hundred open ones, those first that are known for longest.
    """

    started_at: datetime
    finished_at: datetime | None
    projects: int
    compared: int
    differing: int
    repaired: int
    waiting: int
    refused: int
    open_findings: dict[str, int]
    findings: list[FindingView]


class SyncStatusView(View):
    """Whether both stores agree, of all projects.

    `lagSeconds`: no change that is older than this waits to be applied; null when the pull reader never ran.
    `deadLetters` counts open ones by the step that left them.
    """

    lag_seconds: float | None
    reader: FeedReaderView | None
    positions: list[PositionView]
    drift: DriftView | None
    dead_letters: dict[str, int]
    alerts: list[Literal["feed_never_read", "feed_lag_exceeds_half_of_ttl", "reconciliation_refused"]]


class FieldProblem(View):
    """One thing wrong with a request."""

    field: str
    detail: str


class Problem(View):
    """RFC 9457 problem details; `field` names what is wrong: a JSON path, a header or a parameter."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[FieldProblem] = Field(default_factory=list)
