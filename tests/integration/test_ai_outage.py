"""A model that is away, too busy, slow or wrong: every message ends analysed or in sight, and costs no more calls."""

import heapq
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import services
from shared.ai.gateway import Subject
from shared.ai.provider import Away, NotAsked
from tests.integration.model_calls import HostTime, ModelCalls
from tests.model_server.script import Mode

pytest_plugins = ["tests.integration.model_calls_fixtures"]

# A mode, how many requests are answered so, how many calls that makes, and whether the message is analysed then.
MODES = [
    (Mode.SLOW, 1, 1, True),
    (Mode.STALL, 2, 3, True),
    (Mode.STALL_IN_BODY, 1, 2, True),
    (Mode.RESET, 4, 5, True),
    (Mode.LIMITED, 2, 3, True),
    (Mode.LIMITED_FOR_7_SECONDS, 2, 3, True),
    (Mode.LIMITED_IN_MILLISECONDS, 1, 2, True),
    (Mode.BROKEN, 4, 5, True),
    (Mode.INVALID_JSON, 1, 2, True),
    (Mode.INVALID_JSON, 3, 3, False),
    (Mode.FENCED, 1, 1, True),
    (Mode.TRUNCATED, 2, 3, True),
    (Mode.REFUSAL, 1, 1, False),
    (Mode.WRONG_ENUM, 2, 3, True),
    (Mode.FIVE_MEGABYTES, 1, 2, True),
]


@pytest.fixture
def queue(calls: ModelCalls, monkeypatch: pytest.MonkeyPatch) -> HostTime:
    """The project's queue on host time, worked on by the one worker there is."""
    monkeypatch.setattr(services, "current", lambda: calls.hub)
    return HostTime(calls.hub, calls.clock)


def taken(row: dict[str, Any]) -> int:
    """What a call counts of its day: what the server said, or what it may have been where nothing was heard of it."""
    unheard = row["error_code"] in {"timeout", "connection"}
    return int(row["reserved_tokens"] if unheard else row["total_tokens"] or 0)


def made(calls: ModelCalls, api: str = "responses") -> int:
    return sum(each["path"] == f"/v1/{api}" for each in calls.server.requests)


@pytest.mark.parametrize(("mode", "times", "expected", "analysed"), MODES, ids=[f"{m[0]}x{m[1]}" for m in MODES])
async def test_whatever_the_server_does_a_message_ends_analysed_or_in_sight(
    calls: ModelCalls, monkeypatch: pytest.MonkeyPatch, mode: Mode, times: int, expected: int, *, analysed: bool
) -> None:
    calls.hub = calls.worker(MODEL_TIMEOUT_SECONDS="0.5" if "stall" in mode else "60")
    monkeypatch.setattr(services, "current", lambda: calls.hub)
    work = await calls.delivered()
    calls.server.next(*[mode] * times)
    queue = HostTime(calls.hub, calls.clock)
    queue.put(work)
    await queue.run()

    assert made(calls) == expected
    assert calls.tenant.count("ai_analysis") == analysed
    reasons = [letter["reason"] for letter in calls.tenant.dead_letters()]
    assert [reason.startswith("analysis_failed: ") for reason in reasons] == ([] if analysed else [True])
    shown = await calls.hub.history.interaction(calls.tenant.id, work.interaction_id)
    assert (shown.analysis is not None, bool(shown.content)) == (analysed, True)
    rows = [row for row in calls.log() if row["purpose"] == "message_analysis"]
    assert len(rows) == expected
    assert rows[-1]["status"] == ("success" if analysed else "error")
    assert calls.day()["spent_tokens"] == sum(taken(row) for row in calls.log()) >= calls.server.billed_tokens
    assert calls.day()["reserved_tokens"] == 0


async def test_twelve_hours_without_a_model_burn_no_attempt_lose_nothing_and_need_nobody(
    calls: ModelCalls, queue: HostTime
) -> None:
    for _ in range(2):
        queue.put(await calls.delivered())
    address = calls.server.base_url
    await calls.server.stop()
    began = calls.clock.now()
    await queue.run(until=began + timedelta(hours=12))

    assert calls.clock.now() >= began + timedelta(hours=11)
    assert queue.delays[:2] == [1, 1]
    assert max(queue.delays) == queue.delays[-1] == calls.hub.settings.retry_max_seconds
    assert calls.tenant.dead_letters() == []
    # The queue's own delays: an attempt of each message every quarter of an hour, and never more often than that.
    assert 12 * 4 * 2 <= len(queue.delays) <= 12 * 4 * 2 + 2 * 10
    assert {row["status"] for row in calls.log()} <= {"error", "deferred"}

    await calls.server.start(int(address.rpartition(":")[2].removesuffix("/v1")))
    await queue.run()
    assert calls.tenant.count("ai_analysis") == 2
    assert made(calls) == made(calls, "embeddings") == 2
    assert calls.tenant.dead_letters() == []
    assert {row["status"] for row in calls.log()} == {"error", "success"}


@pytest.mark.parametrize("refusal", [Mode.LIMITED_FOR_7_SECONDS, Mode.LIMITED])
async def test_a_storm_of_refusals_costs_a_tenth_more_calls_than_there_are_messages(
    calls: ModelCalls, refusal: Mode
) -> None:
    over = calls.clock.now() + timedelta(minutes=4)
    waiting: list[tuple[datetime, int, int, Subject]] = [(calls.clock.now(), n, 0, calls.about()) for n in range(100)]
    calls.server.otherwise = refusal
    answered = 0
    while waiting:
        due, number, attempt, about = heapq.heappop(waiting)
        calls.clock.ahead += max(timedelta(), due - calls.clock.now())
        if calls.clock.now() >= over:
            calls.server.otherwise = Mode.OK
        try:
            await calls.gateway.embed(about, "Where is my order?")
            answered += 1
        except (Away, NotAsked) as later:
            wait = max(timedelta(seconds=min(2**attempt, 900)), later.retry_after or timedelta())
            heapq.heappush(waiting, (calls.clock.now() + wait, number, attempt + 1, about))
    assert answered == 100
    assert len(calls.server.requests) <= 1.1 * 100
    assert {row["status"] for row in calls.log()} == {"error", "success"}
