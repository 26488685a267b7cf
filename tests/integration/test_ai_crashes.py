"""Workers killed at every moment of a call: one analysis, at most one call more than kills, nothing left pending."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from typing import Any

from local.checkout import CHECKOUT
from shared.models.work import MessageWork, QueueName
from tests.integration.model_calls import ModelCalls, settings
from tests.integration.tenant import mail
from tests.model_server.script import Mode

pytest_plugins = ["tests.integration.model_calls_fixtures"]

IN_FLIGHT = "in flight"


async def start(calls: ModelCalls, work: MessageWork, failpoint: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, **calls.tenant.stack.settings, **settings(calls.server), "FAILPOINTS": failpoint}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.analyzing_worker", work.model_dump_json()),
        cwd=CHECKOUT,
        env=environment,
    )


async def killed(calls: ModelCalls, work: MessageWork, where: str) -> None:
    """Run a worker until it is killed, and let the sweep find what it left."""
    asked = len(calls.server.requests)
    if where == IN_FLIGHT:
        calls.server.next(Mode.STALL)
    worker = await start(calls, work, "" if where == IN_FLIGHT else f"{where}=kill")
    while where == IN_FLIGHT and len(calls.server.requests) == asked:
        await asyncio.sleep(0.02)
        assert worker.returncode is None
    if where == IN_FLIGHT:
        worker.kill()
    assert await worker.wait() == -signal.SIGKILL, where
    calls.clock.ahead = timedelta(minutes=10)
    await calls.hub.log_upkeep.run()
    assert [row for row in calls.log() if row["status"] == "pending"] == []


def requests(calls: ModelCalls, api: str) -> list[dict[str, Any]]:
    return [each for each in calls.server.requests if each["path"] == f"/v1/{api}"]


async def test_a_worker_killed_at_every_moment_of_a_call_costs_a_call_for_each_kill_at_most(calls: ModelCalls) -> None:
    row = await calls.tenant.deliver("email", mail())
    (taken,) = calls.tenant.take(QueueName.MESSAGE_ANALYSIS)
    work = MessageWork.model_validate(taken)
    made = []
    for where in (
        "ai.call_logged",
        IN_FLIGHT,
        "ai.call_answered",
        "analyze.model_answered",
        "analyze.findings_stored",
    ):
        await killed(calls, work, where)
        made.append(len(requests(calls, "responses")))
    # The answer of the fourth was in the log already: it is used and not asked for again.
    assert made == [0, 1, 2, 3, 3]

    last = await start(calls, work, "")
    assert await last.wait() == 0
    assert len(requests(calls, "responses")) == 3
    assert len(requests(calls, "embeddings")) == 1
    assert calls.tenant.count("ai_analysis") == 1
    assert calls.tenant.document(row["id"])["embedding"]
    statuses = [each["status"] for each in calls.log() if each["purpose"] == "message_analysis"]
    assert statuses == ["unknown", "unknown", "unknown", "success"]
    assert calls.day()["reserved_tokens"] == 0
