"""Model calls as operators and auditors see them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import Field, PlainSerializer

from shared.models.views import View

Status = Literal["pending", "success", "error", "unknown", "deferred"]
Purpose = Literal["message_analysis", "image_analysis", "embedding"]
Grouping = Literal["day", "model", "purpose", "contact"]
STATUSES: tuple[Status, ...] = get_args(Status)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


def _plain(amount: Decimal) -> str:
    """Return an amount without an exponent, which not every reader of decimals takes."""
    return f"{amount.normalize():f}"


Tokens = Annotated[int | None, Field(description="null where nobody counted")]
Amount = Annotated[Decimal, PlainSerializer(_plain, return_type=str)]
Cost = Annotated[Amount | None, Field(description="Exact, in `currency`; null where the price is not known")]


class TokensView(View):
    """Tokens by class. The classes are disjoint and sum up to `total`."""

    input: Tokens
    cached: Tokens
    cache_write: Tokens
    image: Tokens
    output: Tokens
    reasoning: Tokens
    total: Tokens


class AiInteractionView(View):
    """One call to a model. `deferred` waits to be made, `unknown` lost its worker and may have been paid for.

    `modelName` is what was asked for (in Azure the deployment), `answeredModel` the model in the server's words;
    `repair` counts the answers before it that did not hold.
    """

    id: UUID
    timestamp: datetime
    status: Status
    purpose: Purpose
    provider: str | None
    model_name: str | None
    deployment: str | None
    answered_model: str | None
    latency_ms: int | None
    error_code: str | None
    error_message: str | None
    user_id: UUID | None
    ip_address: str | None
    interaction_id: UUID | None
    message_id: UUID | None
    prompt_hash: str | None
    file_metadata: dict[str, Any] | None
    repair: int
    tokens: TokensView
    cost: Cost
    currency: str | None
    body: Literal["full", "redacted", "hashed", "none", "expired"]


class AiInteractionBodyView(AiInteractionView):
    """One call with what was sent and received, as far as the project keeps it: `body` says how much."""

    request: dict[str, Any]
    response: dict[str, Any] | None


class AiUsageItem(View):
    """What the calls of one group took; a name it was not grouped by is null. A merged contact's calls are one group.

    `cost` is the sum of the calls whose price is known, `unpriced` counts the others; null when there is none known.
    """

    day: date | None
    model: str | None
    purpose: Purpose | None
    contact_id: UUID | None
    calls: int
    errors: int
    unknown: int
    tokens: TokensView
    cost: Cost
    currency: str | None
    unpriced: int


class AiBudgetView(View):
    """The day's budget (UTC) of the project. `deferred` calls wait: for the budget, or for a model that is away."""

    day: date
    daily_tokens: Annotated[int | None, Field(description="The cap; null is no cap")]
    daily_cost: Annotated[Amount | None, Field(description="The cap, in the currency of the price table")]
    spent_tokens: int
    reserved_tokens: int
    spent_cost: Amount
    reserved_cost: Amount
    exhausted: bool
    deferred: int
    deferred_by_budget: int


class AiUsageView(View):
    """What model calls took from `from` until before `to`; `truncated` says that there are more groups than shown."""

    since: Annotated[datetime, Field(alias="from")]
    until: Annotated[datetime, Field(alias="to")]
    items: list[AiUsageItem]
    truncated: bool
    budget: AiBudgetView
