"""Reading the log of model calls: single calls, pages of them, and what they took."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.clock import Clock
from shared.errors import Rejected
from shared.identifiers import ProjectId
from shared.inbox.cursors import Before, next_cursor
from shared.models.ai_interactions import (
    GROUPINGS,
    PURPOSES,
    STATUSES,
    AiBudgetView,
    AiInteractionBodyView,
    AiInteractionView,
    AiUsageItem,
    AiUsageView,
    TokensView,
)
from shared.models.text import storable
from shared.models.views import Page
from shared.stores.postgres import Postgres, Row
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("ai_interactions.sql"))
MAX_GROUPS = 1_000
DEFAULT_WINDOW = timedelta(days=30)
_CLASSES = ("input", "cached", "cache_write", "image", "output", "reasoning", "total")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls: all that fit everything that is given. `since` belongs to the window, `until` does not."""

    user_id: UUID | None = None
    message_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: str | None = None
    purpose: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class CallHistory:
    """Reads of one project's model calls. A parameter that says nothing is Rejected 400 and named."""

    postgres: Postgres
    clock: Clock

    async def page(self, project: ProjectId, wanted: Wanted, page: Before) -> Page[AiInteractionView]:
        """Return calls, newest first, without their bodies."""
        _among("status", wanted.status, STATUSES)
        _among("purpose", wanted.purpose, PURPOSES)
        values = asdict(wanted) | {"model": wanted.model and storable(wanted.model)}
        async with self.postgres.tenant(project) as transaction:
            rows = await transaction.all(SQL["list_ai_interactions"], project_id=project, **values, **page.parameters())
        views = [AiInteractionView(**_with_tokens(row)) for row in rows[: page.limit]]
        return Page[AiInteractionView](items=views, next_cursor=next_cursor(rows, page, "timestamp"))

    async def get(self, project: ProjectId, call: UUID) -> AiInteractionBodyView:
        """Return one call with what was sent and received. Raises Rejected 404 when the project has none."""
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(SQL["get_ai_interaction"], project_id=project, id=call)
        if row is None:
            raise Rejected(404, "there is no such AI interaction", field="id")
        return AiInteractionBodyView(**_with_tokens(row))

    async def usage(
        self, project: ProjectId, since: datetime | None, until: datetime | None, groups: Collection[str]
    ) -> AiUsageView:
        """Return what calls took, by groups of GROUPINGS; without a window those of the last thirty days."""
        for group in groups:
            _among("by", group, GROUPINGS)
        now = self.clock.now()
        end = until or now
        begin = since or end - DEFAULT_WINDOW
        by = {f"by_{name}": name in groups for name in GROUPINGS}
        day = now.astimezone(UTC).date()
        async with self.postgres.tenant(project) as transaction:
            values = {"project_id": project, "since": begin, "until": end, "limit": MAX_GROUPS + 1}
            rows = await transaction.all(SQL["sum_up_calls"], **values, **by)
            budget = await transaction.one(SQL["get_budget"], project_id=project, day=day)
        if budget is None:
            raise Rejected(404, "there is no such project", field="X-Project-Id")
        return AiUsageView(
            since=begin,
            until=end,
            items=[AiUsageItem(**_with_tokens(row)) for row in rows[:MAX_GROUPS]],
            truncated=len(rows) > MAX_GROUPS,
            budget=AiBudgetView(day=day, **budget),
        )


def _with_tokens(row: Row) -> dict[str, Any]:
    named = {f"{name}_tokens" for name in _CLASSES}
    tokens = TokensView(**{name: row[f"{name}_tokens"] for name in _CLASSES})
    return {name: value for name, value in row.items() if name not in named} | {"tokens": tokens}


def _among(field: str, given: str | None, allowed: Collection[str]) -> None:
    if given is not None and given not in allowed:
        raise Rejected(400, f"{field} must be one of {', '.join(allowed)}", field=field)
