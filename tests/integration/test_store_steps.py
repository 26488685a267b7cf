"""The fate of a queue message by the type of what went wrong."""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import azure.functions as func
import pytest
from azure.functions.queue import QueueMessage as ReceivedMessage
from azure.storage.queue import QueueMessage as StoredMessage
from hypothesis import given
from hypothesis import strategies as st

from functions.work import run_poison, run_step
from local.stack.ports import free_port
from shared import services
from shared.errors import CONTENDED_TRIES, Contended, Misconfigured, Permanent, Rejected, Transient
from shared.ingestion.raw import RawName
from shared.models.work import MAX_WORK_BYTES, AttachmentWork, DeliveryWork, MessageWork, QueueName, Work
from shared.services import Services
from tests.integration.tenant import Tenant, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]

QUEUE = QueueName.MESSAGE_ANALYSIS


@pytest.fixture(autouse=True)
def wired(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's services are the tenant's."""
    monkeypatch.setattr(services, "current", lambda: tenant.hub)


def message_of(body: bytes) -> func.QueueMessage:
    return ReceivedMessage(id="1", body=body)


def work_of(tenant: Tenant, attempt: int = 0) -> MessageWork:
    return MessageWork(project_id=tenant.id, interaction_id=uuid4(), message_id=uuid4(), attempt=attempt)


def failing(error: Exception) -> Callable[[Services, MessageWork], Awaitable[None]]:
    async def step(hub: Services, work: MessageWork) -> None:
        raise error

    return step


async def run(work: Work, error: Exception) -> None:
    await run_step(QUEUE, MessageWork, message_of(work.model_dump_json().encode()), failing(error))


def stored(tenant: Tenant, queue: QueueName = QUEUE) -> list[StoredMessage]:
    """Every visible message of a queue."""
    with tenant.queue(queue.value) as client:
        return list(client.peek_messages(max_messages=32))


async def test_a_step_gets_the_hub_and_its_work(tenant: Tenant) -> None:
    seen: list[object] = []

    async def step(hub: Services, work: MessageWork) -> None:
        seen.extend((hub, work))

    work = work_of(tenant)
    await run_step(QUEUE, MessageWork, message_of(work.model_dump_json().encode()), step)
    assert seen == [tenant.hub, work]
    assert tenant.take(QUEUE) == tenant.dead_letters() == []


@pytest.fixture
def delays(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """The delays that work is sent with; the sends themselves are done at once."""
    seen: list[timedelta] = []
    send = tenant.hub.queues.send

    async def at_once(queue: QueueName, work: Work, *, delay: timedelta = timedelta()) -> None:
        seen.append(delay)
        await send(queue, work)

    monkeypatch.setattr(tenant.hub.queues, "send", at_once)
    return seen


async def test_what_time_may_cure_is_sent_again_with_one_more_attempt(tenant: Tenant, delays: list[timedelta]) -> None:
    work = work_of(tenant, attempt=3)
    await run(work, Transient("Postgres: away"))
    (again,) = tenant.take(QUEUE)
    assert MessageWork.model_validate(again) == work.model_copy(update={"attempt": 4})
    assert tenant.dead_letters() == []


@pytest.mark.parametrize(
    ("attempt", "asked", "seconds"),
    [(0, None, 1), (1, None, 2), (5, None, 32), (10**9, None, 900), (0, 60, 60), (7, 60, 128), (0, 5000, 900)],
)  # fmt: skip
async def test_the_delay_doubles_up_to_its_limit_and_what_was_asked_for_is_respected(
    tenant: Tenant, delays: list[timedelta], attempt: int, asked: int | None, seconds: int
) -> None:
    retry_after = timedelta(seconds=asked) if asked else None
    await run(work_of(tenant, attempt), Transient("429", retry_after=retry_after))
    assert delays == [timedelta(seconds=seconds)]


async def test_a_deferred_message_is_invisible_until_its_time(tenant: Tenant) -> None:
    await run(work_of(tenant, attempt=5), Transient("429"))
    assert tenant.take(QUEUE) == []
    with tenant.queue(QUEUE.value) as client:
        assert client.get_queue_properties().approximate_message_count == 1


@pytest.mark.parametrize("error", [Permanent("why"), Rejected(404, "why")])
async def test_what_can_not_succeed_is_a_dead_letter_at_once(tenant: Tenant, error: Exception) -> None:
    work = work_of(tenant)
    await run(work, error)
    (letter,) = tenant.dead_letters()
    assert (letter["stage"], letter["reason"]) == ("analyze_message", "why")
    assert MessageWork.model_validate(letter["payload"]) == work
    assert tenant.take(QUEUE) == []


async def test_what_nobody_expected_is_the_platforms_to_try_again(tenant: Tenant) -> None:
    with pytest.raises(ZeroDivisionError):
        await run(work_of(tenant), ZeroDivisionError())
    assert tenant.take(QUEUE) == tenant.dead_letters() == []


@pytest.mark.parametrize("change", [{"version": 2}, {"message_id": "x"}, {"attempt": "many"}])
async def test_a_malformed_message_is_a_dead_letter_at_once(tenant: Tenant, change: dict[str, object]) -> None:
    body = json.loads(work_of(tenant).model_dump_json()) | change

    async def never(hub: Services, work: MessageWork) -> None:
        raise AssertionError

    await run_step(QUEUE, MessageWork, message_of(json.dumps(body).encode()), never)
    letters = tenant.rows(
        "SELECT payload FROM dead_letters WHERE payload->>'interaction_id' = %s", body["interaction_id"]
    )
    assert letters == [{"payload": body}]


async def test_a_dead_letter_that_postgres_can_not_take_now_is_deferred(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, delays: list[timedelta]
) -> None:
    async def away(*_: object) -> None:
        raise Transient("Postgres: away")

    monkeypatch.setattr(type(tenant.hub.drain), "bury", away)
    await run(work_of(tenant), Permanent("why"))
    assert len(tenant.take(QUEUE)) == 1


async def test_poison_waits_while_postgres_is_away(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    dsn = tenant.hub.settings.postgres_dsn.replace(f"port={tenant.stack.ports['postgres']}", f"port={free_port()}")
    away = tenant.services(POSTGRES_DSN=dsn)
    monkeypatch.setattr(services, "current", lambda: away)
    with pytest.raises(Transient):
        await run_poison(QUEUE, message_of(work_of(tenant).model_dump_json().encode()))


async def test_no_message_of_ours_ever_expires(tenant: Tenant) -> None:
    await tenant.receive("email", mail(attachments=[{"filename": "a", "contentType": "b", "contentBase64": "YQ=="}]))
    (work,) = stored(tenant, QueueName.INBOUND)
    await tenant.hub.store.store(DeliveryWork.model_validate_json(work.content))
    await tenant.hub.queues.send(QUEUE, work_of(tenant))
    found = [message for queue in QueueName for message in stored(tenant, queue)]
    assert len(found) == 4
    for message in found:
        assert message.expires_on
        assert message.expires_on > datetime.now(UTC) + timedelta(days=365 * 100)


@given(
    ids=st.lists(st.uuids(), min_size=4, max_size=4),
    hour=st.datetimes(timezones=st.just(UTC)),
    attempt=st.integers(0, 10**18),
)
def test_every_message_is_smaller_than_two_kilobytes(ids: list[UUID], hour: datetime, attempt: int) -> None:
    project, source, delivery, attachment = ids
    blob = str(RawName(hour.strftime("%Y-%m-%d-%H"), project, source, delivery))
    of_message = {"project_id": project, "attempt": attempt, "interaction_id": source, "message_id": delivery}
    works: Iterator[Work] = iter(
        [
            DeliveryWork(project_id=project, attempt=attempt, source_id=source, delivery_id=delivery, blob=blob),
            MessageWork.model_validate(of_message),
            AttachmentWork.model_validate(of_message | {"attachment_id": attachment}),
        ]
    )
    for work in works:
        raw = work.model_dump_json().encode()
        assert len(raw) < MAX_WORK_BYTES
        assert type(work).model_validate_json(raw) == work


async def test_a_message_that_is_too_long_is_never_sent(tenant: Tenant) -> None:
    work = DeliveryWork(project_id=tenant.id, source_id=uuid4(), delivery_id=uuid4(), blob="x" * MAX_WORK_BYTES)
    with pytest.raises(ValueError, match="2048"):
        await tenant.hub.queues.send(QueueName.INBOUND, work)
    assert tenant.take(QueueName.INBOUND) == []


async def test_what_is_contended_gives_up_after_twelve_tries(tenant: Tenant) -> None:
    await run(work_of(tenant, attempt=CONTENDED_TRIES - 1), Contended("Postgres: UniqueViolation"))
    assert tenant.dead_letters() == []
    await run(work_of(tenant, attempt=CONTENDED_TRIES), Contended("Postgres: UniqueViolation"))
    (letter,) = tenant.dead_letters()
    assert letter["reason"] == "tried 12 times: Postgres: UniqueViolation"


async def test_a_setting_that_is_wrong_kills_no_work(tenant: Tenant, delays: list[timedelta]) -> None:
    await run(work_of(tenant, attempt=CONTENDED_TRIES), Misconfigured("AI_PROVIDER: is not known"))
    assert tenant.dead_letters() == []
    assert len(delays) == 1
