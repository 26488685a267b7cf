"""What operators do with dead letters, and the limit that stops a step."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import azure.functions as func
import pytest
from azure.functions.queue import QueueMessage as ReceivedMessage

from functions import dead_letters as routes
from functions import orphan_dead_letters as operator
from functions.store_message import _store
from functions.work import run_step
from shared import services
from shared.errors import Rejected, Transient
from shared.inbox.cursors import read_cursor
from shared.models.dead_letters import ReplayIn
from shared.models.documents import new_document
from shared.models.work import DeliveryWork, MessageWork, QueueName
from tests.integration.tenant import Tenant, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]


@pytest.fixture(autouse=True)
def wired(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's services are the tenant's."""
    monkeypatch.setattr(services, "current", lambda: tenant.hub)


async def buried(tenant: Tenant, reason: str = "broken", **changed: Any) -> UUID:
    """Bury some work that has nothing behind it, and return its letter."""
    ids = {"project_id": tenant.id, "interaction_id": uuid4(), "message_id": uuid4()} | changed
    body = MessageWork(**ids).model_dump_json().encode()
    await tenant.hub.drain.bury(QueueName.MESSAGE_ANALYSIS, body, reason)
    row = tenant.one(
        "SELECT id FROM dead_letters WHERE payload->>'message_id' = %s ORDER BY created_at DESC", str(ids["message_id"])
    )
    assert row
    return UUID(str(row["id"]))


async def test_letters_are_listed_newest_first_in_pages_and_by_state_and_stage(tenant: Tenant) -> None:
    made = [await buried(tenant) for _ in range(5)]
    desk = tenant.hub.dead_letters
    first = await desk.page(tenant.id, read_cursor(None, "3"), state=None, stage=None)
    second = await desk.page(tenant.id, read_cursor(first.next_cursor, "3"), state=None, stage=None)
    assert [letter.id for letter in (*first.items, *second.items)] == made[::-1]
    assert second.next_cursor is None
    await desk.discard(tenant.id, made[0], "a test")
    opened = await desk.page(tenant.id, read_cursor(None, None), state="open", stage="analyze_message")
    assert [letter.id for letter in opened.items] == made[:0:-1]
    nothing = await desk.page(tenant.id, read_cursor(None, None), state=None, stage="store_message")
    assert nothing.items == []


async def test_another_project_sees_and_decides_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    letter, desk = await buried(tenant), tenant.hub.dead_letters
    assert (await desk.page(other_tenant.id, read_cursor(None, None), state=None, stage=None)).items == []
    for scope in (other_tenant.id, None):
        for decide in (desk.get(scope, letter), desk.replay(scope, letter), desk.discard(scope, letter, "x")):
            with pytest.raises(Rejected) as refused:
                await decide
            assert refused.value.status == 404
    many = await desk.replay_many(other_tenant.id, ReplayIn(ids=[letter]))
    assert (many.items[0].state, many.items[0].detail) == (None, "there is no such dead letter")
    assert (await desk.get(tenant.id, letter)).state == "open"


async def test_a_replay_sends_the_work_once_however_many_press(tenant: Tenant) -> None:
    letter = await buried(tenant, attempt=9)
    pressed = await asyncio.gather(*(tenant.hub.dead_letters.replay(tenant.id, letter) for _ in range(3)))
    again = await tenant.hub.dead_letters.replay(tenant.id, letter)
    assert {view.state for view in (*pressed, again)} == {"replayed"}
    assert again.replayed_at is not None
    (work,) = tenant.take(QueueName.MESSAGE_ANALYSIS)
    assert (work["attempt"], work["message_id"]) == (0, again.payload["message_id"])


@pytest.mark.parametrize("reason", ["broken", "broken in another way"])
async def test_a_replayed_letter_that_fails_again_is_open_again(tenant: Tenant, reason: str) -> None:
    message = uuid4()
    letter = await buried(tenant, message_id=message, attempt=4)
    interaction = (await tenant.hub.dead_letters.replay(tenant.id, letter)).payload["interaction_id"]
    assert await buried(tenant, reason, message_id=message, interaction_id=interaction) == letter
    found = await tenant.hub.dead_letters.get(tenant.id, letter)
    assert (found.state, found.reason, found.seen) == ("open", reason, 2)
    assert len(tenant.dead_letters()) == 1


async def test_a_queue_that_is_away_leaves_the_letter_open(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Transient("Queue: away")

    letter = await buried(tenant)
    with monkeypatch.context() as broken:
        broken.setattr(tenant.hub.queues, "send_text", away)
        with pytest.raises(Transient):
            await tenant.hub.dead_letters.replay(tenant.id, letter)
    assert (await tenant.hub.dead_letters.get(tenant.id, letter)).state == "open"


async def test_a_discarded_letter_stays_discarded_with_its_reason(tenant: Tenant) -> None:
    ids: dict[str, Any] = {"message_id": uuid4(), "interaction_id": uuid4()}
    letter, desk = await buried(tenant, **ids), tenant.hub.dead_letters
    view = await desk.discard(tenant.id, letter, "a test message")
    assert (view.state, view.discard_reason) == ("discarded", "a test message")
    assert (await desk.discard(tenant.id, letter, "another reason")).discard_reason == "a test message"
    with pytest.raises(Rejected) as refused:
        await desk.replay(tenant.id, letter)
    assert refused.value.status == 409
    await buried(tenant, **ids)
    assert ((await desk.get(tenant.id, letter)).state, tenant.take(QueueName.MESSAGE_ANALYSIS)) == ("discarded", [])


async def test_a_replayed_letter_can_not_be_discarded(tenant: Tenant) -> None:
    letter = await buried(tenant)
    await tenant.hub.dead_letters.replay(tenant.id, letter)
    with pytest.raises(Rejected) as refused:
        await tenant.hub.dead_letters.discard(tenant.id, letter, "x")
    assert refused.value.status == 409


async def test_many_are_replayed_by_stage_or_by_id(tenant: Tenant) -> None:
    made = [await buried(tenant) for _ in range(3)]
    some = await tenant.hub.dead_letters.replay_many(tenant.id, ReplayIn(ids=made[:1] * 2))
    assert [(item.id, item.state) for item in some.items] == [(made[0], "replayed")]
    rest = await tenant.hub.dead_letters.replay_many(tenant.id, ReplayIn(stage="analyze_message"))
    assert [(item.id, item.state) for item in rest.items] == [(letter, "replayed") for letter in made[1:]]
    assert len(tenant.take(QueueName.MESSAGE_ANALYSIS)) == 3


async def test_a_dead_delivery_is_stored_by_its_replay(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    await tenant.hub.drain.drain(QueueName.INBOUND, work.model_dump_json().encode())
    await tenant.hub.dead_letters.replay_many(tenant.id, ReplayIn(stage="store_message"))
    (again,) = tenant.take(QueueName.INBOUND)
    await tenant.hub.store.store(DeliveryWork.model_validate(again))
    delivery = tenant.delivery(work)
    assert delivery
    assert delivery["state"] == "done"


async def test_a_document_is_read_and_applied_by_its_replay(tenant: Tenant) -> None:
    interaction = (await tenant.deliver("email", mail()))["id"]
    document, container = tenant.document(interaction), tenant.hub.documents._container()
    broken = dict(await container.upsert_item({**document, "timestamp": "yesterday"}))
    await tenant.hub.sync.apply_changes([broken])
    (row,) = tenant.rows("SELECT id FROM dead_letters WHERE payload->>'id' = %s", str(interaction))
    letter = UUID(str(row["id"]))
    assert (await tenant.hub.dead_letters.replay(None, letter)).state == "open"
    mended = await container.upsert_item({**document, "content": "mended", "version": document["version"] + 1})
    assert (await tenant.hub.dead_letters.replay(None, letter)).state == "replayed"
    found = tenant.one("SELECT content, source_etag FROM interactions WHERE id = %s", interaction)
    assert found == {"content": "mended", "source_etag": mended["_etag"]}


async def test_work_that_could_not_be_read_is_not_replayed(tenant: Tenant) -> None:
    reason = f"test {uuid4()}"
    await tenant.hub.drain.bury(QueueName.INBOUND, b"\xff", reason)
    (row,) = tenant.rows("SELECT id FROM dead_letters WHERE reason = %s", reason)
    with pytest.raises(Rejected, match="discard the letter"):
        await tenant.hub.dead_letters.replay(None, row["id"])


def request(tenant: Tenant | None, body: object = None, **given: str) -> func.HttpRequest:
    headers = {"content-type": "application/json"} | ({"x-project-id": str(tenant.id)} if tenant else {})
    route = {"id": given.pop("id")} if "id" in given else {}
    return func.HttpRequest(
        "POST", "/", headers=headers, params=given, route_params=route, body=json.dumps(body).encode()
    )


Route = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


def handler(function: Any) -> Route:
    """Return what stands behind a trigger's decorators."""
    made: Route = function._function.get_user_function()
    return made


async def test_the_routes_of_a_project_and_of_the_operator_lead_to_the_same_desk(tenant: Tenant) -> None:
    letter = await buried(tenant)
    listed = await handler(routes.list_dead_letters)(request(tenant, state="open"))
    assert [item["id"] for item in json.loads(listed.get_body())["items"]] == [str(letter)]
    unknown = await handler(routes.list_dead_letters)(request(tenant, state="lost"))
    assert (unknown.status_code, json.loads(unknown.get_body())["field"]) == (400, "state")
    nothing = await handler(operator.get_orphan_dead_letter)(request(None, id=str(letter)))
    assert nothing.status_code == 404
    both = await handler(routes.replay_dead_letters)(request(tenant, {"ids": [str(letter)], "stage": "x"}))
    assert both.status_code == 422
    unsaid = await handler(routes.discard_dead_letter)(request(tenant, {"reason": ""}, id=str(letter)))
    assert unsaid.status_code == 422
    done = await handler(routes.discard_dead_letter)(request(tenant, {"reason": "a test"}, id=str(letter)))
    assert json.loads(done.get_body())["discardReason"] == "a test"


async def test_a_step_that_buries_too_much_waits_and_goes_on_when_an_operator_decided(tenant: Tenant) -> None:
    already = len(tenant.rows("SELECT 1 FROM dead_letters WHERE stage = 'store_message' AND state = 'open'"))
    limit = {"DEAD_LETTER_LIMIT": str(already + 2), "DEAD_LETTER_WINDOW_SECONDS": "1000000"}
    tenant.hub = tenant.services(**limit)
    works = [DeliveryWork(project_id=tenant.id, source_id=uuid4(), delivery_id=uuid4(), blob="x") for _ in range(4)]
    for work in works:
        received = ReceivedMessage(id="1", body=work.model_dump_json().encode())
        await run_step(QueueName.INBOUND, DeliveryWork, received, _store)
    assert len(tenant.dead_letters()) == 2
    await asyncio.sleep(1.2)
    waiting = tenant.take(QueueName.INBOUND)
    assert [work["attempt"] for work in waiting] == [1, 1]
    opened = await tenant.hub.dead_letters.page(tenant.id, read_cursor(None, None), state="open", stage=None)
    for letter in opened.items:
        await tenant.hub.dead_letters.discard(tenant.id, letter.id, "a bad deploy")
    tenant.hub = tenant.services(**limit)
    received = ReceivedMessage(id="1", body=json.dumps(waiting[0]).encode())
    await run_step(QueueName.INBOUND, DeliveryWork, received, _store)
    assert len(tenant.dead_letters()) == 3


async def test_above_the_limit_good_messages_wait_too(tenant: Tenant) -> None:
    tenant.hub = tenant.services(DEAD_LETTER_LIMIT="1")
    bad = DeliveryWork(project_id=tenant.id, source_id=uuid4(), delivery_id=uuid4(), blob="x")
    await tenant.hub.drain.drain(QueueName.INBOUND, bad.model_dump_json().encode())
    good = await tenant.keep("email", mail())
    received = ReceivedMessage(id="1", body=good.model_dump_json().encode())
    await run_step(QueueName.INBOUND, DeliveryWork, received, _store)
    assert tenant.delivery(good) is None
    await asyncio.sleep(1.2)
    assert [work["delivery_id"] for work in tenant.take(QueueName.INBOUND)] == [str(good.delivery_id)]


async def test_above_the_limit_the_change_feed_waits_and_writes_nothing(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail())
    good = {**new_document(row, version=row["source_version"] + 1), "_etag": '"x"', "_ts": 2_000_000_000}
    bad = [{"id": str(uuid4()), "contactId": "nobody"} for _ in range(2)]
    await tenant.hub.sync.apply_changes(bad[:1])
    tenant.hub = tenant.services(DEAD_LETTER_LIMIT="1")
    with pytest.raises(Transient, match="too many dead letters at sync_interactions"):
        await tenant.hub.sync.apply_changes([*bad[1:], good])
    assert tenant.rows("SELECT 1 FROM dead_letters WHERE payload->>'id' = %s", bad[1]["id"]) == []
    found = tenant.one("SELECT source_etag FROM interactions WHERE id = %s", row["id"])
    assert found != {"source_etag": '"x"'}
    await tenant.hub.sync.apply_changes([good])
    assert tenant.one("SELECT source_etag FROM interactions WHERE id = %s", row["id"]) == {"source_etag": '"x"'}
