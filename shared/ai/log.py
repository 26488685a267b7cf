"""The AI-interaction log (seed 004): a row before each call, settled after it.

What a call holds of the day's budget comes and goes in the same transactions.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.ai.attempts import Attempt, Opened, Outcome, prompt_hash
from shared.ai.bodies import kept
from shared.ai.budget import Cap, Reservation, reserve
from shared.ai.kept import is_of
from shared.ai.prices import PriceTable
from shared.ai.provider import NotAsked
from shared.ai.usage import Usage
from shared.clock import Clock
from shared.errors import HubError, Transient
from shared.stores.postgres import Postgres, Transaction
from shared.stores.sql import SqlBlocks
from shared.telemetry import warning

SQL = SqlBlocks(Path(__file__).with_name("log.sql"))
MAX_ERROR_CHARACTERS = 500


class UnderWay(Transient):
    """Another worker asks the same about the same message: its answer will do."""


@dataclass(frozen=True, slots=True)
class CallLog:
    """Opens and settles calls. A call that is not settled `deadline` after it was opened has lost its worker."""

    postgres: Postgres
    clock: Clock
    prices: PriceTable
    deadline: timedelta

    async def open(self, attempt: Attempt) -> Opened | dict[str, Any]:
        """Write a call's row and hold its budget; or return the answer that an earlier call for it was paid for.

        Raises UnderWay, BudgetExhausted or BudgetReserved: then nothing was written.
        """
        now, project = self.clock.now(), attempt.about.project_id
        async with self.postgres.tenant(project) as transaction:
            terms = await transaction.one(SQL["get_terms"], project_id=project)
            if terms is None:
                raise Transient("the project is not there")
            if attempt.claim:
                answer = await self._earlier(transaction, attempt, now)
                if answer is not None:
                    return answer
            held = self._reservation(attempt, _day(now))
            if held:
                cap = Cap(terms["ai_daily_tokens"], terms["ai_daily_cost"])
                await reserve(transaction, project, cap, held, now)
            request = kept(terms["ai_bodies"], attempt.request or {})
            row = await transaction.one(
                SQL["open_call"],
                **_described(attempt, now),
                request=json.dumps(request or {}),
                prompt_hash=prompt_hash(attempt.request) if attempt.request else None,
                body=terms["ai_bodies"],
                claim=attempt.claim,
                deadline=now + self.deadline,
                budget_day=held.day if held else None,
                reserved_tokens=held.tokens if held else None,
                reserved_cost=held.cost if held else None,
            )
        assert row is not None  # noqa: S101 # an insert that returns
        return Opened(row["id"], attempt, terms["ai_bodies"], now)

    async def settle(self, opened: Opened, outcome: Outcome) -> None:
        """Write what came of a call, and count what it took."""
        attempt, exchange = opened.attempt, outcome.exchange
        usage = exchange.usage if exchange else Usage()
        sold = attempt.sold(exchange.answered_by if exchange else "")
        cost = self.prices.cost(sold, usage, _day(opened.at))
        request = exchange.request if exchange and attempt.request is None else None
        async with self.postgres.tenant(attempt.about.project_id) as transaction:
            await transaction.execute(
                SQL["settle_call"],
                project_id=attempt.about.project_id,
                id=opened.id,
                latency_ms=outcome.latency_ms,
                request=_json(request and kept(opened.keeping, request)),
                prompt_hash=request and prompt_hash(request),
                response=_json(kept(opened.keeping, exchange.response) if exchange else None),
                model_name=attempt.model or (exchange.model if exchange else None),
                answered_model=(exchange.answered_by or None) if exchange else None,
                answer=_json(outcome.answer if attempt.claim else None),
                cost=cost,
                currency=None if cost is None else self.prices.currency,
                **_failure(outcome),
                **_tokens(usage),
                **_spent(usage, cost, perhaps_paid=outcome.perhaps_paid),
            )

    async def defer(self, attempt: Attempt, why: NotAsked) -> None:
        """Write that a call is put off, and why."""
        now = self.clock.now()
        until = now + (why.retry_after or timedelta(0))
        async with self.postgres.tenant(attempt.about.project_id) as transaction:
            message = f"{why}; not before {until.isoformat(timespec='seconds')}"
            described = _described(attempt, now)
            await transaction.execute(SQL["defer_call"], **described, error_code=why.code, error_message=message)

    async def forget(self, attempt: Attempt) -> None:
        """Let go of an answer that was kept for this question: it is of no use."""
        about = attempt.about
        ids = {"project_id": about.project_id, "message_id": about.message_id, "claim": attempt.claim}
        async with self.postgres.tenant(about.project_id) as transaction:
            await transaction.execute(SQL["forget_answer"], **ids)

    async def _earlier(self, transaction: Transaction, attempt: Attempt, now: datetime) -> dict[str, Any] | None:
        ids = {"project_id": attempt.about.project_id, "message_id": attempt.about.message_id, "claim": attempt.claim}
        await transaction.one(SQL["lock_claim"], **ids)
        for row in await transaction.all(SQL["calls_of_claim"], **ids):
            answer: dict[str, Any] | None = row["answer"]
            if answer is not None:
                if is_of(answer, row["repair"], attempt.repair):
                    return answer
                continue
            if row["deadline"] >= now:
                raise UnderWay("this is being asked already", retry_after=row["deadline"] - now)
            await give_up(transaction, ids["project_id"], now, row["id"])
        return None

    def _reservation(self, attempt: Attempt, day: date) -> Reservation | None:
        if attempt.at_most is None:
            return None
        cost = self.prices.cost(attempt.sold(), attempt.at_most, day)
        return Reservation(day, attempt.at_most.total_tokens or 0, cost or Decimal(0))


async def give_up(transaction: Transaction, project: Any, now: datetime, call: UUID | None = None) -> int:
    """Settle calls whose worker is gone, one or all of a project, as unknown; return how many there were."""
    row = await transaction.one(SQL["give_up_calls"], project_id=project, now=now, id=call)
    calls: int = row["calls"] if row else 0
    if calls:
        warning("ai.calls_given_up", project=project, calls=calls)
    return calls


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _described(attempt: Attempt, now: datetime) -> dict[str, Any]:
    about = attempt.about
    return {
        "project_id": about.project_id,
        "deferred_id": attempt.deferred_id,
        "timestamp": now,
        "model_name": attempt.model,
        "provider": attempt.vendor,
        "deployment": attempt.deployment,
        "user_id": about.user_id,
        "ip_address": about.ip_address,
        "file_metadata": _json(attempt.file),
        "purpose": attempt.purpose,
        "interaction_id": about.interaction_id,
        "message_id": about.message_id,
        "repair": attempt.repair,
    }


def _failure(outcome: Outcome) -> dict[str, Any]:
    """Only our own words are kept: a vendor's may quote the customer."""
    error = outcome.error
    if error is None:
        return {"status": "success", "error_code": None, "error_message": None}
    said = str(error)[:MAX_ERROR_CHARACTERS] if isinstance(error, HubError) else None
    return {"status": "error", "error_code": outcome.error_code, "error_message": said}


def _tokens(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "image_tokens": usage.image_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.total_tokens,
    }


def _spent(usage: Usage, cost: Decimal | None, *, perhaps_paid: bool) -> dict[str, Any]:
    """What counts of the budget, None for what was reserved: where nobody counted, or a class has no price."""
    if usage.total_tokens is None:
        nothing = None if perhaps_paid else 0
        return {"spent_tokens": nothing, "spent_cost": nothing}
    return {"spent_tokens": usage.total_tokens, "spent_cost": cost}


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)
