"""Work that can't succeed: a dead letter with its reason, once, and its delivery at an end."""

import base64
import json
from uuid import uuid4

import pytest

from shared.ingestion.drain import STAGES
from shared.models.external import ExternalMessage
from shared.models.work import AttachmentWork, DeliveryWork, MessageWork, QueueName, Task
from tests.integration.tenant import Tenant, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]


async def test_poison_is_one_dead_letter_even_when_it_is_drained_twice(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    for _ in range(2):
        await tenant.hub.drain.drain(QueueName.INBOUND, work.model_dump_json().encode())
    (letter,) = tenant.dead_letters()
    assert (letter["stage"], letter["seen"]) == ("store_message", 2)
    assert DeliveryWork.model_validate(letter["payload"]) == work
    delivery = tenant.delivery(work)
    assert delivery
    assert (delivery["state"], delivery["reason"]) == ("dead", letter["reason"])


async def test_a_dead_delivery_that_is_stored_after_all_is_done(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    await tenant.hub.drain.drain(QueueName.INBOUND, work.model_dump_json().encode())
    await tenant.hub.store.store(work)
    delivery = tenant.delivery(work)
    assert delivery
    assert (delivery["state"], delivery["reason"]) == ("done", None)


async def test_a_delivery_that_is_done_never_becomes_dead(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    await tenant.hub.store.store(work)
    await tenant.hub.drain.drain(QueueName.INBOUND, work.model_dump_json().encode())
    assert tenant.one("SELECT state FROM deliveries WHERE id = %s", work.delivery_id) == {"state": "done"}


def some(queue: QueueName, tenant: Tenant) -> Task:
    ids = {"project_id": tenant.id, "interaction_id": uuid4(), "message_id": uuid4()}
    return {
        QueueName.EXTERNAL: ExternalMessage(source=uuid4(), id="1", blob="x"),
        QueueName.INBOUND: DeliveryWork(project_id=tenant.id, source_id=uuid4(), delivery_id=uuid4(), blob="x"),
        QueueName.MESSAGE_ANALYSIS: MessageWork(**ids),
        QueueName.ATTACHMENT_ANALYSIS: AttachmentWork(**ids, attachment_id=uuid4()),
    }[queue]


@pytest.mark.parametrize("queue", list(QueueName))
async def test_a_dead_letter_says_which_step_failed(tenant: Tenant, queue: QueueName) -> None:
    reason = f"test {uuid4()}"
    await tenant.hub.drain.bury(queue, some(queue, tenant).model_dump_json().encode(), reason)
    assert tenant.rows("SELECT stage FROM dead_letters WHERE reason = %s", reason) == [{"stage": STAGES[queue]}]


BODIES = [b"", b"\xff\xfe", b"[]", b"7", b'{"a": NaN}', b'{"a": "\\u0000"}', b'{"a": "\\ud800"}', b"[" * 60_000]


@pytest.mark.parametrize("number", range(len(BODIES)))
async def test_a_body_that_can_not_be_read_is_kept_as_it_came(tenant: Tenant, number: int) -> None:
    body = BODIES[number]
    reason = f"test {uuid4()}"
    await tenant.hub.drain.bury(QueueName.INBOUND, body, reason)
    (letter,) = tenant.rows("SELECT project_id, payload FROM dead_letters WHERE reason = %s", reason)
    assert letter["project_id"] is None
    assert base64.b64decode(letter["payload"]["unreadable"]) == body


async def test_two_bodies_that_can_not_be_read_are_two_dead_letters(tenant: Tenant) -> None:
    reason = f"test {uuid4()}"
    for body in (b"one", b"two"):
        await tenant.hub.drain.bury(QueueName.INBOUND, body, reason)
    assert len(tenant.rows("SELECT 1 FROM dead_letters WHERE reason = %s", reason)) == 2


async def test_work_of_an_unknown_project_is_a_dead_letter_without_project(tenant: Tenant) -> None:
    work = DeliveryWork(project_id=uuid4(), source_id=uuid4(), delivery_id=uuid4(), blob="x")
    reason = f"test {uuid4()}"
    await tenant.hub.drain.bury(QueueName.INBOUND, work.model_dump_json().encode(), reason)
    (letter,) = tenant.rows("SELECT project_id, payload FROM dead_letters WHERE reason = %s", reason)
    assert letter == {"project_id": None, "payload": json.loads(work.model_dump_json())}
    assert tenant.rows("SELECT 1 FROM deliveries WHERE id = %s", work.delivery_id) == []


async def test_a_dead_letter_points_at_the_work_and_holds_no_content(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail(text="my secret"))
    await tenant.hub.drain.drain(QueueName.INBOUND, work.model_dump_json().encode())
    assert "my secret" not in json.dumps(tenant.dead_letters())
