"""GET /ai-interactions and /ai-usage, through the routes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import azure.functions as func
import pytest
from azure.functions.queue import QueueMessage

from functions.ai_interactions import get_ai_interaction, get_ai_usage, list_ai_interactions
from functions.analyze_message import _analyze
from functions.work import run_step
from shared import services
from shared.ai.gateway import Subject
from shared.ai.provider import NotAsked
from shared.identifiers import InteractionId
from shared.models.ai_interactions import AiInteractionView
from shared.models.work import AskedMessage, MessageWork, QueueName
from tests.integration.model_calls import SENT, TEXT, HostTime, ModelCalls
from tests.integration.tenant import Tenant, mail
from tests.model_server.script import Mode

pytest_plugins = ["tests.integration.model_calls_fixtures"]

SEED = {
    "id", "timestamp", "request", "response", "latencyMs", "errorCode", "errorMessage", "modelName", "userId",
    "fileMetadata", "status", "promptHash", "ipAddress",
}  # fmt: skip
Read = Callable[..., Any]


@pytest.fixture
def read(calls: ModelCalls, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Call a route as the project; return its JSON, or status and field of a problem."""
    monkeypatch.setattr(services, "current", lambda: calls.hub)

    async def get(route: Any, tenant: Tenant | None = None, identifier: object = None, **parameters: str) -> Any:
        headers = {"x-project-id": str((tenant or calls.tenant).id)}
        named = {name.rstrip("_"): value for name, value in parameters.items()}
        request = func.HttpRequest(
            "GET", "/", headers=headers, params=named, route_params={"id": str(identifier)}, body=b""
        )
        answer = await route(request)
        body = json.loads(answer.get_body())
        return body if answer.status_code == 200 else (answer.status_code, body.get("field"))

    return get


async def test_one_call_has_every_field_of_its_contract(calls: ModelCalls, read: Read) -> None:
    user = uuid4()
    about = calls.about()
    asked = Subject(about.project_id, about.interaction_id, about.message_id, user, "2001:db8::7")
    await calls.ask(asked)
    (row,) = calls.log()
    shown = await read(get_ai_interaction, identifier=row["id"])
    assert shown.keys() >= SEED
    assert (shown["userId"], shown["ipAddress"]) == (str(user), "2001:db8::7")
    assert shown["request"]["text"] == TEXT
    assert shown["response"]["usage"]["total_tokens"] == shown["tokens"]["total"] == row["total_tokens"]
    assert shown["cost"] is None
    assert (shown["answeredModel"], shown["body"], shown["repair"]) == ("gpt-5.4-mini", "full", 0)


async def test_a_list_is_in_pages_newest_first_without_bodies(calls: ModelCalls, read: Read) -> None:
    for _ in range(5):
        await calls.ask()
    seen: list[str] = []
    parameters = {"limit": "2"}
    while True:
        page = await read(list_ai_interactions, **parameters)
        seen += [item["id"] for item in page["items"]]
        assert all(item.keys().isdisjoint({"request", "response"}) for item in page["items"])
        if page["nextCursor"] is None:
            break
        parameters["cursor"] = page["nextCursor"]
    assert seen == [str(row["id"]) for row in reversed(calls.log())]
    AiInteractionView.model_validate(page["items"][0])


async def test_calls_are_found_by_user_time_status_purpose_model_and_message(calls: ModelCalls, read: Read) -> None:
    user, about = uuid4(), calls.about()
    await calls.ask(Subject(about.project_id, about.interaction_id, about.message_id, user))
    calls.server.next(Mode.BROKEN)
    with pytest.raises(Exception, match="not available"):
        await calls.ask()
    await calls.gateway.embed(calls.about(), TEXT)
    first, failed, embedded = (str(row["id"]) for row in calls.log())

    async def found(**parameters: str) -> list[str]:
        return [item["id"] for item in (await read(list_ai_interactions, **parameters))["items"]]

    assert await found(userId=str(user)) == await found(messageId=str(about.message_id)) == [first]
    assert await found(status="error") == [failed]
    assert await found(purpose="embedding") == await found(model="text-embedding-3-small") == [embedded]
    assert await found(status="success", purpose="message_analysis") == [first]
    calls.tenant.rows("UPDATE ai_interactions SET answered_model = 'gpt-5.4-mini-2026-03-01' WHERE id = %s", first)
    assert await found(model="gpt-5.4-mini-2026-03-01") == [first]
    middle = calls.log()[1]["timestamp"].isoformat()
    assert await found(from_=middle) == [embedded, failed]
    assert await found(to=middle) == [first]
    assert await found(from_=middle, to=middle.replace("+00:00", "Z")) == []


@pytest.mark.parametrize(
    ("route", "parameters", "field"),
    [
        (list_ai_interactions, {"status": "lost"}, "status"),
        (list_ai_interactions, {"purpose": "chat"}, "purpose"),
        (list_ai_interactions, {"userId": "ada"}, "userId"),
        (list_ai_interactions, {"from_": "yesterday"}, "from"),
        (list_ai_interactions, {"cursor": "x"}, "cursor"),
        (get_ai_usage, {"by": "day,colour"}, "by"),
        (get_ai_usage, {"to": "2026-13-01"}, "to"),
    ],
)
async def test_a_parameter_that_says_nothing_is_named(
    read: Read, route: Any, parameters: dict[str, str], field: str
) -> None:
    assert await read(route, **parameters) == (400, field)


async def test_the_calls_of_a_project_are_its_own(calls: ModelCalls, other_tenant: Tenant, read: Read) -> None:
    await calls.ask()
    (row,) = calls.log()
    assert (await read(list_ai_interactions, other_tenant))["items"] == []
    assert await read(get_ai_interaction, other_tenant, identifier=row["id"]) == (404, "id")
    assert (await read(get_ai_usage, other_tenant))["items"] == []


async def test_usage_sums_up_what_is_known_and_counts_what_is_not(calls: ModelCalls, read: Read) -> None:
    for _ in range(2):
        await calls.ask()
    calls.server.next(Mode.BROKEN)
    with pytest.raises(Exception, match="not available"):
        await calls.ask()
    await calls.gateway.embed(calls.about(), TEXT)
    calls.tenant.rows(
        "UPDATE ai_interactions SET cost = 0.0000125000, currency = 'EUR'"
        " WHERE project_id = %s AND purpose = 'message_analysis' AND status = 'success'",
        calls.tenant.id,
    )
    usage = await read(get_ai_usage, by="purpose,model")
    shown = {(each["purpose"], each["model"], each["currency"]): each for each in usage["items"]}
    asked = shown["message_analysis", "gpt-5.4-mini", "EUR"]
    failed = shown["message_analysis", "gpt-5.4-mini", None]
    assert (asked["calls"], asked["errors"], asked["unpriced"], asked["cost"]) == (2, 0, 0, "0.000025")
    assert (usage["budget"]["spentCost"], usage["budget"]["dailyCost"]) == ("0", None)
    assert asked["tokens"]["total"] == sum(row["total_tokens"] for row in calls.log()[:2])
    assert (failed["calls"], failed["errors"], failed["cost"], failed["tokens"]["total"]) == (1, 1, None, None)
    embedded = shown["embedding", "text-embedding-3-small", None]
    assert (embedded["calls"], embedded["unpriced"], embedded["day"], embedded["contactId"]) == (1, 1, None, None)
    by_day = await read(get_ai_usage)
    assert {each["day"] for each in by_day["items"]} == {datetime.now(UTC).date().isoformat()}
    assert sum(each["calls"] for each in by_day["items"]) == 4
    later = datetime.now(UTC) + timedelta(days=1)
    assert (await read(get_ai_usage, from_=later.isoformat(), to=later.isoformat()))["items"] == []


async def test_calls_that_somebody_asked_for_are_found_by_who_asked(calls: ModelCalls, read: Read) -> None:
    user, work = uuid4(), await calls.delivered()
    asked = {"project_id": str(calls.tenant.id), "message_id": str(work.message_id), "user_id": str(user)}
    message = QueueMessage(id="1", body=json.dumps(asked).encode())
    calls.wants(ai_daily_tokens=0)
    queue = HostTime(calls.hub, calls.clock)
    await run_step(QueueName.MESSAGE_ANALYSIS, AskedMessage, message, _analyze)
    assert [item["status"] for item in (await read(list_ai_interactions, userId=str(user)))["items"]] == ["deferred"]
    calls.wants(ai_daily_tokens=None)
    await queue.run()
    items = (await read(list_ai_interactions, userId=str(user)))["items"]
    assert [(item["purpose"], item["status"]) for item in items] == [
        ("embedding", "success"),
        ("message_analysis", "success"),
    ]


async def test_the_calls_of_a_deleted_interaction_are_counted_and_not_shown(calls: ModelCalls, read: Read) -> None:
    row = await calls.tenant.deliver("email", mail())
    (work,) = calls.tenant.take(QueueName.MESSAGE_ANALYSIS)
    await calls.hub.message_analyst.analyze(MessageWork.model_validate(work))
    before = await read(get_ai_usage)
    await calls.hub.deletion.delete(calls.tenant.id, InteractionId(row["id"]))
    assert (await read(list_ai_interactions))["items"] == []
    for call in calls.log():
        assert await read(get_ai_interaction, identifier=call["id"]) == (404, "id")
    assert (await read(get_ai_usage))["items"] == before["items"]


async def test_usage_is_told_by_contact(calls: ModelCalls, read: Read) -> None:
    rows = [await calls.tenant.deliver("email", mail()) for _ in range(2)]
    for work in calls.tenant.take(QueueName.MESSAGE_ANALYSIS):
        await calls.hub.message_analyst.analyze(MessageWork.model_validate(work))
    usage = await read(get_ai_usage, by="contact")
    assert {(each["contactId"], each["calls"]) for each in usage["items"]} == {
        (str(row["contact_id"]), 2) for row in rows
    }
    kept, merged = (row["contact_id"] for row in rows)
    calls.tenant.rows("UPDATE contacts SET merged_into = %s WHERE id = %s", kept, merged)
    usage = await read(get_ai_usage, by="contact")
    assert [(each["contactId"], each["calls"]) for each in usage["items"]] == [(str(kept), 4)]


async def test_a_day_of_usage_is_one_of_utc(calls: ModelCalls, read: Read) -> None:
    moments = ["2026-03-01T00:00:01Z", "2026-03-01T23:59:59Z", "2026-03-02T00:00:01Z"]
    for moment in moments:
        await calls.gateway.embed(calls.about(), moment)
        calls.tenant.rows(
            "UPDATE ai_interactions SET \"timestamp\" = %s WHERE project_id = %s AND request ->> 'text' = %s",
            *(moment, calls.tenant.id, moment),
        )
    usage = await read(get_ai_usage, by="day", from_="2026-03-01", to="2026-03-03")
    assert [(each["day"], each["calls"]) for each in usage["items"]] == [("2026-03-02", 1), ("2026-03-01", 2)]


async def test_the_budget_says_that_it_is_spent_and_what_waits(calls: ModelCalls, read: Read) -> None:
    calls.wants(ai_daily_tokens=1)
    await calls.ask()
    with pytest.raises(NotAsked):
        await calls.gateway.analyze_message(calls.about(), TEXT, subject="", sent_at=SENT)
    usage = await read(get_ai_usage)
    assert {name: usage["budget"][name] for name in ("dailyTokens", "exhausted", "deferred", "deferredByBudget")} == {
        "dailyTokens": 1, "exhausted": True, "deferred": 1, "deferredByBudget": 1,
    }  # fmt: skip
    assert usage["budget"]["spentTokens"] == usage["items"][0]["tokens"]["total"]
    assert sum(each["calls"] for each in usage["items"]) == 1
    waiting = await read(list_ai_interactions, status="deferred")
    assert [each["errorCode"] for each in waiting["items"]] == ["budget_exhausted"]
