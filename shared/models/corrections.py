"""Corrections of interactions: JSON merge patches (RFC 7396) of the shared fields that may change."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.models.documents import UtcTime, iso

EXACT = 2**53  # beyond it Cosmos DB, whose numbers are doubles, would keep another one


def _whole_numbers_are_exact(value: Any) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return all(map(_whole_numbers_are_exact, inner))
    return not isinstance(value, int) or abs(value) <= EXACT


def _exact(metadata: dict[str, Any]) -> dict[str, Any]:
    if not _whole_numbers_are_exact(metadata):
        raise ValueError("a whole number beyond 2^53 would be rounded; send it as text")
    return metadata


def _left_out() -> Any:
    """Stand for a field that is not in the patch: never read, for only the fields that are there are."""
    return None


class Correction(BaseModel):
    """A merge patch of one interaction: what is left out stays, null empties `agentId` or `organizationId`.

    `metadata` is merged key by key, null removes a key. Anything else, `id` and `contactId` too, can't be changed.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", defer_build=True)

    agent_id: UUID | None = Field(default_factory=_left_out)
    organization_id: UUID | None = Field(default_factory=_left_out)
    type: Annotated[str, Field(min_length=1, max_length=50)] = Field(default_factory=_left_out)
    content: str = Field(default_factory=_left_out)
    timestamp: UtcTime = Field(default_factory=_left_out)
    metadata: Annotated[dict[str, Any], AfterValidator(_exact)] = Field(default_factory=_left_out)

    def applied_to(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return what the patch sets, by the contract's names and as documents spell it; metadata merged."""
        given = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if "timestamp" in given:
            given["timestamp"] = iso(self.timestamp)
        if "metadata" in given:
            given["metadata"] = merged(document.get("metadata"), self.metadata)
        return given


def merged(target: object, patch: object) -> Any:
    """Return `target` with a merge patch applied (RFC 7396 §2); neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
