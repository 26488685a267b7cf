"""A day's budget: spent calls are over, the rest waits in sight, and what is stored does not wait with it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from azure.functions.queue import QueueMessage

from functions.work import run_step
from local.project_terms import main
from local.sources import Site
from local.trouble import Trouble
from shared import services
from shared.ai.budget import BudgetExhausted, BudgetReserved
from shared.ai.provider import Away, NotAsked
from shared.errors import Permanent
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
    assert 20_000 <= calls.day()["spent_tokens"] == calls.server.billed_tokens < 20_000 + largest
    assert calls.day()["reserved_tokens"] == 0


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.STALL_IN_BODY, Mode.WRONG_ENUM])
async def test_a_cap_holds_when_nothing_usable_comes_back(calls: ModelCalls, mode: Mode) -> None:
    cap = 60_000
    calls.wants(ai_daily_tokens=cap)
    calls.server.otherwise = mode
    hub = calls.worker(MODEL_TIMEOUT_SECONDS="0.5")
    for _ in range(ENDLESS):
        try:
            await calls.ask(hub=hub)
        except BudgetExhausted:
            break
        except NotAsked as rest:
            calls.clock.ahead += rest.retry_after or timedelta()
        except (Away, Permanent):
            continue
    largest = calls.server.billed_tokens / len(calls.server.requests)
    assert calls.day()["spent_tokens"] >= cap
    assert calls.server.billed_tokens <= cap + 2 * largest


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


async def test_what_a_call_holds_comes_with_its_row_or_not_at_all(calls: ModelCalls) -> None:
    about = replace(calls.about(), ip_address="no address")
    with pytest.raises(Permanent, match="refuses a value"):
        await calls.ask(about)
    assert (calls.log(), set(calls.day().values()), calls.server.requests) == ([], {0}, [])


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


def test_an_operator_sets_what_a_project_decides_and_sees_it(
    calls: ModelCalls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = calls.tenant.stack
    monkeypatch.setattr("local.project_terms.deployed_site", lambda: Site(stack.settings, stack.owner_dsn()))
    here = ("--target", "azure")
    caps, keeping = ["--daily-tokens", "2000000", "--daily-cost", "5.50"], ["--bodies", "redacted"]
    days = ["--body-days", "30", "--log-days", "60"]
    assert main(["set", *here, "--project", str(calls.tenant.id), *caps, *keeping, *days]) == 0
    shown = capsys.readouterr().out
    assert "2000000 tokens and 5.5 in money a day; bodies redacted for 30 days, log 60 days" in shown
    assert "docs/model-calls.md" in shown
    assert calls.terms() == (2_000_000, Decimal("5.5"), "redacted", 30, 60)

    main(["set", *here, "--project", str(calls.tenant.id), "--daily-cost", "none"])
    assert calls.terms() == (2_000_000, None, "redacted", 30, 60)
    capsys.readouterr()
    main(["list", *here])
    assert f"{calls.tenant.id}  {calls.tenant.project.name}: 2000000 tokens a day" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["set", "--project", str(uuid4()), "--daily-tokens", "1"], "there is no project"),
        (["set", "--daily-tokens", "1"], "no demo project"),
        (["set", "--project", str(uuid4())], "nothing to set"),
    ],
)
def test_an_operator_who_says_too_little_is_told(
    calls: ModelCalls, monkeypatch: pytest.MonkeyPatch, argv: list[str], told: str
) -> None:
    stack = calls.tenant.stack
    monkeypatch.setattr("local.project_terms.deployed_site", lambda: Site(stack.settings, stack.owner_dsn()))
    with pytest.raises(Trouble, match=told):
        main([*argv, "--target", "azure"])


async def test_a_cap_that_is_raised_holds_at_once(calls: ModelCalls) -> None:
    calls.wants(ai_daily_tokens=0)
    with pytest.raises(NotAsked):
        await calls.ask()
    calls.wants(ai_daily_tokens=1_000_000)
    await calls.ask()
    assert len(calls.server.requests) == 1
