"""Dead letters as operators see and decide them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.models.views import View

MAX_REPLAYED = 100
State = Literal["open", "replayed", "discarded"]


class DeadLetterView(View):
    """Work that could not succeed. `payload` points at it (ids and names), `seen` counts how often it failed."""

    id: UUID
    stage: str
    reason: str
    payload: dict[str, Any]
    state: State
    seen: int
    created_at: datetime
    updated_at: datetime
    replayed_at: datetime | None
    discarded_at: datetime | None
    discard_reason: str | None


class ReplayIn(View):
    """Which letters to replay: these, or the oldest open ones of a stage."""

    ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=MAX_REPLAYED)] = None
    stage: Annotated[str | None, Field(min_length=1, max_length=100, examples=["store_message"])] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.stage is None):
            raise ValueError("either ids or stage must be given")
        return self


class ReplayedItem(View):
    """What became of one letter; `detail` says why one was not replayed."""

    id: UUID
    state: State | None
    detail: str | None


class ReplayedView(View):
    """What became of each letter; when `items` is full there may be more of the stage."""

    items: list[ReplayedItem]


class DiscardIn(View):
    """Why a letter needs no more work."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]
