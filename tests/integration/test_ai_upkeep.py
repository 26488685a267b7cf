"""What time does to the log of model calls: nothing stays pending, bodies go first, rows later."""

from datetime import timedelta

import azure.functions as func
import pytest

from functions.settle_ai_interactions import settle_ai_interactions
from shared import services
from shared.ai.provider import NotAsked
from shared.ai.upkeep import ANSWERS_KEPT
from shared.errors import Transient
from tests.integration.model_calls import ModelCalls
from tests.model_server.script import Mode

pytest_plugins = ["tests.integration.model_calls_fixtures"]


class Timer(func.TimerRequest):
    """A timer that is due."""

    @property
    def past_due(self) -> bool:
        return False

    @property
    def schedule_status(self) -> dict[str, str]:
        return {}

    @property
    def schedule(self) -> dict[str, str]:
        return {}


def age(calls: ModelCalls, **days: int) -> None:
    calls.tenant.rows(
        'UPDATE ai_interactions SET "timestamp" = "timestamp" - %s, deadline = deadline - %s WHERE project_id = %s',
        *(timedelta(**days), timedelta(**days), calls.tenant.id),
    )


async def test_answers_bodies_and_rows_go_one_after_the_other(calls: ModelCalls) -> None:
    calls.wants(ai_body_days=30, ai_log_days=60)
    await calls.ask()
    spent = calls.day()
    for days, answer, body, rows in ((2, True, "full", 1), (4, False, "full", 1), (30, False, "expired", 1)):
        age(calls, days=days)
        await calls.hub.log_upkeep.run()
        (row,) = calls.log()
        assert ((row["answer"] is not None), row["body"], len(calls.log())) == (answer, body, rows)
    (row,) = calls.log()
    assert (row["request"], row["response"]) == ({}, None)
    assert (row["total_tokens"] > 0, row["model_name"], len(row["prompt_hash"])) == (True, "gpt-5.4-mini", 64)
    age(calls, days=30)
    await calls.hub.log_upkeep.run()
    assert calls.log() == []
    assert calls.day() == spent
    assert timedelta(days=1, minutes=15) < ANSWERS_KEPT, "a repair that waits for the next day finds its answer"


async def test_what_waited_and_was_given_up_waits_no_more(calls: ModelCalls) -> None:
    calls.wants(ai_daily_tokens=0)
    about = calls.about()
    with pytest.raises(NotAsked):
        await calls.ask(about)
    age(calls, days=1)
    await calls.hub.log_upkeep.run()
    assert [row["status"] for row in calls.log()] == ["deferred"]
    age(calls, days=1)
    await calls.hub.log_upkeep.run()
    assert calls.log() == []
    calls.wants(ai_daily_tokens=None)
    await calls.ask(about)
    assert [row["status"] for row in calls.log()] == ["success"]


async def test_each_project_has_clocks_of_its_own(calls: ModelCalls) -> None:
    await calls.ask()
    age(calls, days=89)
    await calls.hub.log_upkeep.run()
    assert [row["body"] for row in calls.log()] == ["full"]
    calls.wants(ai_body_days=88)
    await calls.hub.log_upkeep.run()
    assert [row["body"] for row in calls.log()] == ["expired"]


async def test_the_timer_settles_calls_whose_worker_is_gone_and_leaves_the_others(
    calls: ModelCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "current", lambda: calls.hub)
    calls.server.next(Mode.SLOW)
    await calls.ask()
    calls.tenant.rows("UPDATE ai_interactions SET status = 'pending' WHERE project_id = %s", calls.tenant.id)
    await settle_ai_interactions(Timer())
    assert [row["status"] for row in calls.log()] == ["pending"]
    age(calls, hours=1)
    await settle_ai_interactions(Timer())
    (row,) = calls.log()
    assert (row["status"], row["error_code"]) == ("unknown", "unknown")
    assert row["error_message"]


async def test_a_database_that_is_away_is_met_at_the_next_run(
    calls: ModelCalls, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away() -> None:
        raise Transient("Postgres: away")

    monkeypatch.setattr(services, "current", lambda: calls.hub)
    monkeypatch.setattr(calls.hub.postgres, "_open", away)
    await settle_ai_interactions(Timer())
    assert "settle_ai_interactions.later" in caplog.text
