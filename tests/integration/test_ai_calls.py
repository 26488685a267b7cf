"""A paid call: in the log before it is made, once for a question, and counted."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.ai.log import UnderWay
from shared.ai.provider import Away, NotAsked
from shared.errors import Permanent, Transient
from tests.integration.model_calls import TEXT, ModelCalls
from tests.model_server.script import Mode

pytest_plugins = ["tests.integration.model_calls_fixtures"]

PRICES = """
currency = "EUR"
[[price]]
provider = "127.0.0.1"
model = "gpt-5.4-mini"
since = 2026-01-01
source = "a test"
input = 0.25
cached = 0.025
output = 2
"""
CLASSES = (
    "input_tokens", "cached_tokens", "cache_write_tokens", "image_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip


async def under_way(calls: ModelCalls, count: int) -> None:
    while len(calls.server.requests) < count:  # noqa: ASYNC110 # the server is no part of what is tested
        await asyncio.sleep(0.01)


async def stopped(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_call_is_in_the_log_with_its_question_while_it_is_under_way(calls: ModelCalls) -> None:
    about = calls.about()
    calls.server.next(Mode.STALL)
    task = asyncio.create_task(calls.ask(about))
    await under_way(calls, 1)
    (row,) = calls.log()
    assert (row["status"], row["response"], row["latency_ms"], row["cost"]) == ("pending", None, None, None)
    assert row["request"]["text"] == TEXT
    assert (row["message_id"], row["model_name"], row["provider"]) == (about.message_id, "gpt-5.4-mini", "127.0.0.1")
    assert len(row["prompt_hash"]) == 64
    assert row["reserved_tokens"] == calls.day()["reserved_tokens"] > 16_000
    await stopped(task)


async def test_the_log_has_all_that_was_sent_and_received(calls: ModelCalls) -> None:
    calls.server.next(Mode.TRUNCATED)
    await calls.ask()
    for row, sent in zip(calls.log(), calls.server.requests, strict=True):
        logged = row["request"]
        given = {name: logged[name] for name in ("subject", "sent_at", "text")}
        first, *repairs = sent["input"]
        assert (json.loads(first["content"]), repairs) == (given, logged.get("turns", []))
        assert sent["text"]["format"]["schema"] == logged["answer_schema"]
        for name in ("model", "instructions", "max_output_tokens", "store"):
            assert sent[name] == logged[name]
        assert sent.keys() == {"path", "input", "text", "model", "instructions", "max_output_tokens", "store"}
    cut, whole = calls.log()
    assert (cut["response"]["status"], cut["response"]["cut_off_by"]) == ("incomplete", "max_output_tokens")
    assert json.loads(whole["response"]["text"])["classification"]["language"] == "en"


async def test_a_settled_call_has_its_tokens_by_class_and_holds_nothing_of_the_day(calls: ModelCalls) -> None:
    await calls.ask()
    (row,) = calls.log()
    assert row["status"] == "success"
    assert row["total_tokens"] == sum(row[name] for name in CLASSES) > 0
    assert row["response"]["usage"]["total_tokens"] == row["total_tokens"]
    assert calls.day() == {
        "reserved_tokens": 0, "spent_tokens": row["total_tokens"], "reserved_cost": 0, "spent_cost": 0,
    }  # fmt: skip


async def test_what_a_call_costs_is_unknown_without_a_price_and_exact_with_one(
    calls: ModelCalls, tmp_path: Path
) -> None:
    await calls.ask()
    table = tmp_path / "prices.toml"
    table.write_text(PRICES, encoding="utf-8")
    await calls.ask(hub=calls.worker(AI_PRICES_FILE=str(table)))
    unknown, priced = calls.log()
    assert (unknown["cost"], unknown["currency"]) == (None, None)
    assert priced["currency"] == "EUR"
    expected = (priced["input_tokens"] * Decimal("0.25") + priced["output_tokens"] * 2) / 1_000_000
    assert priced["cost"] == expected > 0
    assert calls.day()["spent_cost"] == expected


async def test_a_class_without_a_price_counts_as_what_was_reserved(calls: ModelCalls, tmp_path: Path) -> None:
    table = tmp_path / "prices.toml"
    table.write_text(PRICES.replace("cached = 0.025\n", ""), encoding="utf-8")
    calls.server.next(Mode.CACHED)
    await calls.ask(hub=calls.worker(AI_PRICES_FILE=str(table)))
    (row,) = calls.log()
    assert row["cached_tokens"] > 0
    assert (row["cost"], calls.day()["spent_cost"]) == (None, row["reserved_cost"])
    assert row["reserved_cost"] > 0


async def test_every_repair_is_a_call_of_its_own_and_the_third_answer_is_the_last(calls: ModelCalls) -> None:
    calls.server.next(Mode.WRONG_ENUM, Mode.TRUNCATED, Mode.INVALID_JSON)
    with pytest.raises(Permanent, match="analysis_failed: the answer is no JSON"):
        await calls.ask()
    rows = calls.log()
    assert [(row["repair"], row["status"], row["error_code"]) for row in rows] == [
        (repair, "error", "invalid_answer") for repair in range(3)
    ]
    assert len({row["prompt_hash"] for row in rows}) == 3
    assert len({row["claim"] for row in rows}) == 1
    assert calls.day()["spent_tokens"] == sum(row["total_tokens"] for row in rows) > 0
    assert len(calls.server.requests) == 3


async def test_a_second_repair_can_be_the_answer(calls: ModelCalls) -> None:
    calls.server.next(Mode.OUT_OF_RANGE, Mode.EMPTY)
    answer = await calls.ask()
    assert answer.value.classification.language == "en"
    assert [row["status"] for row in calls.log()] == ["error", "error", "success"]


@pytest.mark.parametrize("spoilt", [[], [Mode.WRONG_ENUM]])
async def test_an_answer_that_was_paid_for_is_used_when_the_message_comes_again(
    calls: ModelCalls, spoilt: list[Mode]
) -> None:
    about = calls.about()
    calls.server.next(*spoilt)
    first = await calls.ask(about)
    again = await calls.ask(about, calls.worker())
    assert (again.value, again.model) == (first.value, first.model)
    assert len(calls.server.requests) == len(calls.log()) == 1 + len(spoilt)


async def test_an_embedding_that_was_paid_for_is_used_again(calls: ModelCalls) -> None:
    about = calls.about()
    first = await calls.gateway.embed(about, TEXT)
    again = await calls.gateway.embed(about, TEXT)
    assert (again.vector, again.model) == (first.vector, first.model)
    await calls.gateway.embed(about, "another text")
    assert len(calls.server.requests) == 2


async def test_an_answer_that_did_not_hold_is_not_paid_for_again_when_its_repair_was_put_off(calls: ModelCalls) -> None:
    about = calls.about()
    calls.server.next(Mode.WRONG_ENUM, Mode.BROKEN)
    with pytest.raises(Away):
        await calls.ask(about)
    await calls.ask(about, calls.worker())
    assert [len(request["input"]) for request in calls.server.requests] == [1, 3, 3]
    assert [(row["repair"], row["error_code"]) for row in calls.log()] == [
        (0, "invalid_answer"),
        (1, "http_500"),
        (1, None),
    ]


async def test_who_asks_again_after_the_last_repair_asks_afresh(calls: ModelCalls) -> None:
    about = calls.about()
    calls.server.next(*[Mode.WRONG_ENUM] * 3)
    with pytest.raises(Permanent):
        await calls.ask(about)
    await calls.ask(about)
    assert [len(request["input"]) for request in calls.server.requests] == [1, 3, 5, 1]


@pytest.mark.parametrize("kept", ['{"model": "m", "value": {}}', "{}"])
async def test_a_kept_answer_that_this_release_does_not_understand_is_asked_for_again(
    calls: ModelCalls, kept: str
) -> None:
    about = calls.about()
    first = await calls.ask(about)
    calls.tenant.rows("UPDATE ai_interactions SET answer = %s::jsonb WHERE project_id = %s", kept, calls.tenant.id)
    for _ in range(2):
        assert (await calls.ask(about)).value == first.value
    assert len(calls.server.requests) == 2


async def test_another_message_with_the_same_words_is_asked_about(calls: ModelCalls) -> None:
    for _ in range(2):
        await calls.ask()
    assert len(calls.server.requests) == 2


async def test_a_message_that_is_there_twice_at_once_is_asked_about_once(calls: ModelCalls) -> None:
    about = calls.about()
    workers = [calls.worker() for _ in range(8)]
    results = await asyncio.gather(*(calls.ask(about, each) for each in workers), return_exceptions=True)
    answered = [each for each in results if not isinstance(each, BaseException)]
    waiting = [each for each in results if isinstance(each, UnderWay)]
    assert (len(answered) + len(waiting), len(calls.server.requests)) == (8, 1)
    assert all(each.retry_after and each.retry_after > timedelta(0) for each in waiting)
    assert [row["status"] for row in calls.log()] == ["success"]


async def test_a_call_whose_worker_is_gone_is_made_again_after_its_deadline_and_counts(calls: ModelCalls) -> None:
    about = calls.about()
    calls.server.next(Mode.STALL)
    task = asyncio.create_task(calls.ask(about))
    await under_way(calls, 1)
    await stopped(task)
    with pytest.raises(UnderWay):
        await calls.ask(about)
    reserved = calls.day()["reserved_tokens"]
    calls.clock.ahead = timedelta(minutes=10)
    await calls.ask(about)
    lost, made = calls.log()
    assert (lost["status"], lost["error_code"], made["status"]) == ("unknown", "unknown", "success")
    assert calls.day()["spent_tokens"] == reserved + made["total_tokens"]
    assert calls.day()["reserved_tokens"] == 0


async def test_an_answer_after_its_deadline_is_the_truth_all_the_same(calls: ModelCalls) -> None:
    calls.server.next(Mode.HELD)
    task = asyncio.create_task(calls.ask())
    await under_way(calls, 1)
    calls.clock.ahead = timedelta(minutes=10)
    assert await calls.hub.log_upkeep.run() >= 1
    assert [row["status"] for row in calls.log()] == ["unknown"]
    calls.server.released.set()
    await task
    (row,) = calls.log()
    assert row["status"] == "success"
    assert calls.day()["spent_tokens"] == row["total_tokens"]


async def test_after_a_rest_one_of_many_tries(calls: ModelCalls) -> None:
    calls.server.otherwise = Mode.LIMITED_FOR_7_SECONDS
    with pytest.raises(Away):
        await calls.ask()
    calls.clock.ahead = timedelta(seconds=8)
    results = await asyncio.gather(*(calls.ask() for _ in range(8)), return_exceptions=True)
    assert [type(each) for each in results].count(Away) == 1
    assert [type(each) for each in results].count(NotAsked) == 7
    assert len(calls.server.requests) == 2


@pytest.mark.parametrize(("mode", "code"), [(Mode.BROKEN, "http_500"), (Mode.LIMITED_FOR_7_SECONDS, "http_429")])
async def test_a_call_that_is_refused_gives_back_what_it_held(calls: ModelCalls, mode: Mode, code: str) -> None:
    calls.server.next(mode)
    with pytest.raises(Away):
        await calls.ask()
    (row,) = calls.log()
    assert (row["status"], row["error_code"], row["total_tokens"], row["cost"]) == ("error", code, None, None)
    assert row["request"]["text"] == TEXT
    assert set(calls.day().values()) == {0}


async def test_a_server_that_is_not_there_costs_nothing(calls: ModelCalls) -> None:
    await calls.server.stop()
    with pytest.raises(Away):
        await calls.ask()
    assert [row["error_code"] for row in calls.log()] == ["connection"]
    assert set(calls.day().values()) == {0}


@pytest.mark.parametrize(
    ("mode", "code"),
    [(Mode.RESET, "connection"), (Mode.STALL, "timeout"), (Mode.STALL_IN_BODY, "timeout")],
)
async def test_an_answer_that_never_came_counts_as_what_it_may_have_cost(
    calls: ModelCalls, mode: Mode, code: str
) -> None:
    calls.server.next(mode)
    with pytest.raises(Away):
        await calls.ask(hub=calls.worker(MODEL_TIMEOUT_SECONDS="0.5"))
    (row,) = calls.log()
    assert (row["status"], row["error_code"], row["total_tokens"], row["cost"]) == ("error", code, None, None)
    assert calls.day()["spent_tokens"] == row["reserved_tokens"] > calls.server.billed_tokens > 0
    assert calls.day()["reserved_tokens"] == 0


@pytest.mark.parametrize("spoilt", [Mode.UNCOUNTED, Mode.UNCOUNTED_AND_WRONG])
async def test_a_server_that_does_not_count_is_counted_by_what_was_reserved(calls: ModelCalls, spoilt: Mode) -> None:
    calls.server.next(spoilt)
    await calls.ask()
    row, *repaired = calls.log()
    assert (row["total_tokens"], row["cost"]) == (None, None)
    assert calls.day()["spent_tokens"] == row["reserved_tokens"] + sum(each["total_tokens"] for each in repaired)


@pytest.mark.parametrize("keeping", ["redacted", "hashed", "none"])
async def test_a_project_decides_how_much_of_a_call_is_kept(calls: ModelCalls, keeping: str) -> None:
    calls.wants(ai_bodies=keeping)
    calls.server.next(Mode.WRONG_ENUM)
    await calls.ask()
    for row in calls.log():
        assert row["body"] == keeping
        kept = json.dumps([row["request"], row["response"]])
        assert "A-10293" not in kept
        assert "order" not in kept.lower()
        assert row["total_tokens"] > 0
        assert len(row["prompt_hash"]) == 64
    row = calls.log()[0]
    if keeping == "redacted":
        assert (row["request"]["task"], row["request"]["text"]) == ("analyze_message", f"[{len(TEXT)} characters]")
        assert row["response"]["usage"]["total_tokens"] == row["total_tokens"]
    else:
        assert (list(row["request"]), row["response"] is None) == (
            (["sha256"], False) if keeping == "hashed" else ([], True)
        )


async def test_a_call_about_an_image_has_its_file_and_not_its_bytes(calls: ModelCalls) -> None:
    image = (Path(__file__).parents[2] / "samples" / "images" / "table-clock-drawing.png").read_bytes()
    about = calls.about()
    for _ in range(2):
        answer = await calls.gateway.analyze_image(about, image, {"filename": "clock.png", "size_bytes": len(image)})
        assert answer.value.width > 0
    (row,) = calls.log()
    assert (row["purpose"], row["file_metadata"]) == (
        "image_analysis",
        {"filename": "clock.png", "size_bytes": len(image)},
    )
    assert row["request"]["bytes"] == len(image)
    assert "data:" not in json.dumps(row["request"])
    assert len(json.dumps(row["request"])) < len(image) / 2


async def test_with_postgres_away_nobody_is_asked(calls: ModelCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> None:
        raise Transient("Postgres: away")

    for hub in (calls.hub, calls.tenant.hub):
        monkeypatch.setattr(hub.postgres, "_open", away)
        with pytest.raises(Transient, match="Postgres"):
            await calls.ask(hub=hub)
    assert calls.server.requests == []
