"""A day's budget: spent calls are over, the rest waits in sight, and what is stored does not wait with it."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from azure.functions.queue import QueueMessage

from functions.work import run_step
from shared import services
from shared.ai.budget import BudgetExhausted, BudgetReserved
from shared.ai.provider import NotAsked
from shared.models.work import MessageWork, QueueName
from shared.services import Services
from tests.integration.model_calls import ModelCalls
from tests.integration.tenant import mail
from tests.model_server.script import Mode

pytest_plugins = ["tests.integration.model_calls_fixtures"]

PRICES = """
currency = "USD"
[[price]]
provider = "127.0.0.1"
model = "gpt-5.4-mini"
since = 2026-01-01
source = "a test"
input = 0.25
output = 2
"""
# Many times what the caps of these tests let through.
ENDLESS = 100


async def spend(calls: ModelCalls, workers: list[Services]) -> int:
    """Ask about new messages with every worker at once until the day is spent; return how many answers there were."""
    answers = 0

    async def work(hub: Services) -> None:
        nonlocal answers
        while True:
            try:
                await calls.ask(hub=hub)
                answers += 1
                assert answers < ENDLESS
            except BudgetExhausted:
                return
            except BudgetReserved:
                await asyncio.sleep(0.02)

    await asyncio.gather(*map(work, workers))
    return answers


async def test_a_day_takes_its_cap_and_one_call_at_most_however_many_work(calls: ModelCalls) -> None:
    calls.wants(ai_daily_tokens=20_000)
    answers = await spend(calls, [calls.worker() for _ in range(4)])
    largest = max(row["total_tokens"] for row in calls.log() if row["total_tokens"])
    assert len(calls.server.requests) == answers > 5
    assert 20_000 <= calls.day()["spent_tokens"] < 20_000 + largest
    assert calls.day()["reserved_tokens"] == 0


async def test_a_cap_in_money_holds_too(calls: ModelCalls, tmp_path: Path) -> None:
    table = tmp_path / "prices.toml"
    table.write_text(PRICES, encoding="utf-8")
    calls.wants(ai_daily_cost=Decimal("0.005"))
    await spend(calls, [calls.worker(AI_PRICES_FILE=str(table)) for _ in range(2)])
    spent = [row["cost"] for row in calls.log() if row["cost"]]
    assert Decimal("0.005") <= calls.day()["spent_cost"] == sum(spent) < Decimal("0.005") + max(spent)


async def test_without_a_price_a_cap_in_money_stops_nobody_and_tokens_are_counted(calls: ModelCalls) -> None:
    calls.wants(ai_daily_cost=Decimal("0.000001"))
    for _ in range(2):
        await calls.ask()
    assert calls.day()["spent_cost"] == 0
    assert calls.day()["spent_tokens"] > 0


async def test_a_cap_of_nothing_lets_no_call_through(calls: ModelCalls) -> None:
    calls.wants(ai_daily_tokens=0)
    with pytest.raises(BudgetExhausted):
        await calls.ask()
    assert calls.server.requests == []


async def test_a_spent_day_is_over_at_midnight_and_the_row_that_waited_becomes_the_call(calls: ModelCalls) -> None:
    calls.wants(ai_daily_tokens=1)
    await calls.ask()
    about = calls.about()
    for _ in range(3):
        with pytest.raises(BudgetExhausted):
            await calls.ask(about)
    with pytest.raises(BudgetExhausted) as over:
        await calls.ask(about)
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert over.value.retry_after
    assert abs(now + over.value.retry_after - midnight) < timedelta(minutes=5)
    _, waiting = calls.log()
    assert (waiting["status"], waiting["error_code"], waiting["request"]) == ("deferred", "budget_exhausted", {})
    assert midnight.date().isoformat() in waiting["error_message"]

    calls.clock.ahead = timedelta(days=1)
    await calls.ask(about)
    rows = calls.log()
    assert [(row["id"] == waiting["id"], row["status"], row["error_code"]) for row in rows] == [
        (False, "success", None),
        (True, "success", None),
    ]
    assert len(calls.server.requests) == 2


async def test_while_calls_under_way_may_take_the_rest_others_wait_a_moment(calls: ModelCalls) -> None:
    calls.wants(ai_daily_tokens=10_000)
    calls.server.next(Mode.STALL)
    task = asyncio.create_task(calls.ask())
    while not calls.server.requests:  # noqa: ASYNC110 # the server is no part of what is tested
        await asyncio.sleep(0.01)
    with pytest.raises(BudgetReserved) as soon:
        await calls.ask()
    assert soon.value.retry_after
    assert soon.value.retry_after <= timedelta(minutes=1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_spent_budget_defers_the_analysis_and_the_message_is_stored_all_the_same(
    calls: ModelCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "current", lambda: calls.hub)
    calls.wants(ai_daily_tokens=0)
    row = await calls.tenant.deliver("email", mail())
    (work,) = calls.tenant.take(QueueName.MESSAGE_ANALYSIS)
    delays: list[float] = []
    again: list[MessageWork] = []

    async def send(_queue: object, sent: MessageWork, *, delay: timedelta) -> None:
        delays.append(delay.total_seconds())
        again.append(sent)

    monkeypatch.setattr(calls.hub.queues, "send", send)
    await step(MessageWork.model_validate(work))
    assert delays == [calls.hub.settings.retry_max_seconds]
    assert (await calls.hub.history.interaction(calls.tenant.id, row["id"])).content == row["content"]
    assert calls.tenant.dead_letters() == calls.server.requests == []
    assert [each["error_code"] for each in calls.log()] == ["budget_exhausted"]

    calls.wants(ai_daily_tokens=None)
    await step(again[0])
    assert calls.tenant.count("ai_analysis") == 1
    assert {each["status"] for each in calls.log()} == {"success"}


async def step(work: MessageWork) -> None:
    async def analyze(hub: Services, asked: MessageWork) -> None:
        await hub.message_analyst.analyze(asked)

    message = QueueMessage(id="1", body=work.model_dump_json().encode())
    await run_step(QueueName.MESSAGE_ANALYSIS, MessageWork, message, analyze)


async def test_a_cap_that_is_raised_holds_at_once(calls: ModelCalls) -> None:
    calls.wants(ai_daily_tokens=0)
    with pytest.raises(NotAsked):
        await calls.ask()
    calls.wants(ai_daily_tokens=1_000_000)
    await calls.ask()
    assert len(calls.server.requests) == 1
