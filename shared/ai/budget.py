"""What a project's model calls of one day may take: in tokens, in money, or both. A day is one of UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from shared.ai.provider import NotAsked
from shared.identifiers import ProjectId
from shared.stores.postgres import Row, Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("budget.sql"))
# When calls under way hold all that is left, some of it comes back soon.
_SOON = timedelta(seconds=30)


class BudgetExhausted(NotAsked):
    """The day's budget is spent: `retry_after` is the time until the next day."""

    code = "budget_exhausted"


class BudgetReserved(NotAsked):
    """Calls under way may take all that is left of the day's budget."""

    code = "budget_reserved"


@dataclass(frozen=True, slots=True)
class Cap:
    """A project's daily cap; None is no cap. What has no known price counts in tokens alone."""

    tokens: int | None
    cost: Decimal | None

    def spent(self, day: Row) -> bool:
        """Whether a day's calls took all of it."""
        by_tokens = self.tokens is not None and day["spent_tokens"] >= self.tokens
        return by_tokens or (self.cost is not None and day["spent_cost"] >= self.cost)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is held of a day until its call is settled."""

    day: date
    tokens: int
    cost: Decimal


async def reserve(transaction: Transaction, project: ProjectId, cap: Cap, wanted: Reservation, now: datetime) -> None:
    """Hold what a call may take, in the transaction that opens it. Raises BudgetExhausted or BudgetReserved.

    While anything is left a call is let through, so a day's calls take at most the cap and one call.
    """
    held = await transaction.one(
        SQL["reserve"],
        project_id=project,
        day=wanted.day,
        tokens=wanted.tokens,
        cost=wanted.cost,
        daily_tokens=cap.tokens,
        daily_cost=cap.cost,
    )
    if held:
        return
    day = await transaction.one(SQL["get_day"], project_id=project, day=wanted.day)
    if day is not None and not cap.spent(day):
        raise BudgetReserved("calls under way may take what is left of the day's budget", retry_after=_SOON)
    tomorrow = datetime.combine(wanted.day + timedelta(days=1), time(), UTC)
    raise BudgetExhausted("the day's budget for models is spent", retry_after=max(tomorrow - now, timedelta(seconds=1)))
