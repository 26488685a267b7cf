"""The interaction document in Cosmos DB (data contract of interactions, seed 000) and its reading."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.models.document_versions import CURRENT, current_form
from shared.models.text import storable


def _utc(value: object) -> object:
    # The contract says "UTC timestamp": a foreign writer's text without an offset is UTC.
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            # Python's own words quote the text, which may be anything of a customer's.
            raise ValueError("must be an ISO 8601 text") from None
        try:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            raise ValueError("is past the calendar") from None
    raise ValueError("must be an ISO 8601 text")


def _text(value: object) -> object:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must not hold NUL")
    return value


UtcTime = Annotated[AwareDatetime, BeforeValidator(_utc)]
Text = Annotated[str, BeforeValidator(_text)]


class InteractionDocument(BaseModel):
    """The shared fields of a document, with what ordering and tenancy need.

    Fields that only Cosmos DB holds (embedding, embeddingModel, embeddingDate, tags) are not read here: they are not
    synchronized. A changed field of the contract is documented here, in schema/cosmos/interactions.json and in
    docs/data-contract.md, which a test holds against each other and against the table in Postgres.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=False, defer_build=True)

    id: UUID
    agent_id: UUID | None = None
    contact_id: UUID
    organization_id: UUID | None = None
    project_id: UUID | None = None
    type: Annotated[str, Field(min_length=1, max_length=50)]
    timestamp: UtcTime
    metadata: dict[str, Any] = Field(default_factory=dict)
    deleted: bool = False
    version: Annotated[int, Field(strict=True, ge=0, lt=2**63)] | None = None
    ts: Annotated[int, Field(alias="_ts", strict=True, ge=0, lt=2**33)]
    etag: Annotated[str, Field(alias="_etag", min_length=1, max_length=200)]
    # Last, so that in the document's JSON all other fields stand before it.
    content: Annotated[str, Field(max_length=1_000_000)] = ""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Return a document of any known schema version. Raises ValidationError, or Permanent for another version."""
        # Not a validator of the model: one before it costs a third of all reading.
        return cls.model_validate(current_form(document))

    @property
    def order(self) -> int:
        """The place of this version in the applied order: microseconds, max(version, `_ts` · 10⁶)."""
        return max(self.version or 0, self.ts * 1_000_000)


def new_document(row: dict[str, Any], *, version: int) -> dict[str, Any]:
    """Return the document of a committed interaction row, field by field of the contract."""
    return {
        "id": str(row["id"]),
        "agentId": _id(row["agent_id"]),
        "contactId": str(row["contact_id"]),
        "organizationId": _id(row["organization_id"]),
        "type": row["type"],
        "timestamp": iso(row["timestamp"]),
        "content": storable(row["content"]),
        "metadata": row["metadata"],
        "embedding": None,
        "embeddingModel": None,
        "embeddingDate": None,
        "tags": [],
        "projectId": str(row["project_id"]),
        "version": version,
        "deleted": False,
        "schemaVersion": CURRENT,
    }


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC with microseconds and `Z`."""
    # strftime would write the year 999 with three digits.
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)
