"""Messages of other services: the same way as a webhook, or a dead letter that says why not."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from azure.functions.queue import QueueMessage as ReceivedMessage
from azure.storage.blob import BlobServiceClient

from functions.accept_message import _accept
from functions.analyze_message import _analyze as analyze_message
from functions.drain_poison import drain_external_poison
from functions.work import run_step
from shared import services
from shared.errors import Transient
from shared.identifiers import ProjectId
from shared.ingestion.sources import NewSource, add_source, publish_sources
from shared.models.external import MAX_EXTERNAL_BYTES, ExternalMessage
from shared.models.work import AskedMessage, BlobContainer, DeliveryWork, QueueName
from tests.integration.tenant import Tenant, chat, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]


@pytest.fixture(autouse=True)
def wired(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's services are the tenant's."""
    monkeypatch.setattr(services, "current", lambda: tenant.hub)


MakeSource = Callable[..., Awaitable[UUID]]


@pytest.fixture
def queue_source(tenant: Tenant) -> MakeSource:
    """A source of channel `queue` of the tenant."""

    async def make(provider: str = "email-json") -> UUID:
        new = NewSource(ProjectId(tenant.id), uuid4(), secrets.token_hex(8), "queue", provider, ())
        await add_source(new, tenant.hub.postgres, tenant.hub.vault)
        await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
        return new.id

    return make


async def put(body: bytes | dict[str, Any]) -> None:
    """Let the step see one message."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    await run_step(QueueName.EXTERNAL, ExternalMessage, ReceivedMessage(id="1", body=raw), _accept)


def upload(tenant: Tenant, name: str, raw: bytes) -> None:
    with BlobServiceClient.from_connection_string(tenant.stack.settings["HubStorage"]) as blobs:
        blobs.get_container_client("external-inbound").upload_blob(name, raw)


def reasons(tenant: Tenant) -> list[str]:
    return [letter["reason"] for letter in tenant.dead_letters()]


@pytest.mark.parametrize(("provider", "message"), [("email-json", mail()), ("chat-json", chat())])
async def test_an_external_message_becomes_an_interaction(
    tenant: Tenant, queue_source: MakeSource, provider: str, message: dict[str, Any]
) -> None:
    await put({"version": 1, "source": str(await queue_source(provider)), "id": "crm-1", "message": message})
    (work,) = tenant.take(QueueName.INBOUND)
    await tenant.hub.store.store(DeliveryWork.model_validate(work))
    row = tenant.one("SELECT content, external_id FROM interactions WHERE project_id = %s", tenant.id)
    assert row == {"content": message.get("text") or message["content"], "external_id": message["messageId"]}
    assert tenant.dead_letters() == []


async def test_a_message_in_a_blob_takes_the_same_way(tenant: Tenant, queue_source: MakeSource) -> None:
    name, sent = f"crm/{uuid4()}.json", mail()
    upload(tenant, name, json.dumps(sent).encode())
    await put({"version": 1, "source": str(await queue_source()), "id": "crm-1", "blob": name})
    (work,) = tenant.take(QueueName.INBOUND)
    await tenant.hub.store.store(DeliveryWork.model_validate(work))
    assert tenant.one("SELECT content FROM interactions WHERE project_id = %s", tenant.id) == {"content": sent["text"]}


async def test_the_same_message_again_is_the_same_delivery(tenant: Tenant, queue_source: MakeSource) -> None:
    sent = {"version": 1, "source": str(await queue_source()), "id": "crm-1", "message": mail()}
    await put(sent)
    await put(dict(reversed(sent.items())))
    first, second = tenant.take(QueueName.INBOUND)
    assert first["delivery_id"] == second["delivery_id"]
    assert len(tenant.blobs(BlobContainer.INBOUND)) == 1


async def test_another_message_under_the_same_id_hides_nothing(tenant: Tenant, queue_source: MakeSource) -> None:
    source = str(await queue_source())
    for _ in range(2):
        await put({"version": 1, "source": source, "id": "crm-1", "message": mail()})
    first, second = tenant.take(QueueName.INBOUND)
    assert first["delivery_id"] != second["delivery_id"]


async def test_the_source_decides_the_project(tenant: Tenant, other_tenant: Tenant, queue_source: MakeSource) -> None:
    source = str(await queue_source())
    sent = {"source": source, "id": "1", "message": mail(), "project_id": str(other_tenant.id)}
    await put(sent)
    assert [work["project_id"] for work in tenant.take(QueueName.INBOUND)] == [str(tenant.id)]


async def test_a_message_that_names_no_such_source_is_a_dead_letter_at_once(tenant: Tenant) -> None:
    source = uuid4()
    await put({"version": 1, "source": str(source), "id": "crm-1", "message": mail()})
    found = tenant.rows("SELECT reason, project_id, stage FROM dead_letters WHERE payload->>'source' = %s", str(source))
    assert found == [{"reason": "there is no such source", "project_id": None, "stage": "accept_message"}]


async def test_a_source_for_webhooks_takes_nothing_from_the_queue(tenant: Tenant) -> None:
    await put({"version": 1, "source": str(tenant.source("email")), "id": "crm-1", "message": mail()})
    assert reasons(tenant) == ["the source takes email webhooks, not messages from a queue"]


async def test_a_source_for_the_queue_takes_no_webhooks(tenant: Tenant, queue_source: MakeSource) -> None:
    source = await queue_source()
    answer = tenant.hub.ingest.receive("email", str(source), tenant.request("email", mail()))
    with pytest.raises(Exception, match="this source does not take email"):
        await answer


async def test_a_disabled_source_takes_nothing(tenant: Tenant, queue_source: MakeSource) -> None:
    source = await queue_source()
    with psycopg.connect(tenant.stack.postgres.dsn("hub")) as admin:
        admin.execute("UPDATE sources SET enabled = false, version = version + 1 WHERE id = %s", [source])
    await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
    await put({"version": 1, "source": str(source), "id": "crm-1", "message": mail()})
    assert reasons(tenant) == ["the source is disabled"]
    assert tenant.blobs(BlobContainer.INBOUND) == []


BAD_MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"message": mail(sender="nobody")}, "from must be an email address"),
    ({"message": {}}, "from: Field required"),
    ({"blob": "not-there"}, "there is no such blob in external-inbound"),
    ({}, "either message or blob must be given"),
    ({"message": mail(), "blob": "x"}, "either message or blob must be given"),
    ({"message": mail(), "version": 2}, "version: Input should be 1"),
    ({"message": mail(), "id": ""}, "id: String should have at least 1 character"),
    ({"message": "text"}, "message: Input should be an object"),
    ({"message": mail(text=float("nan"))}, "is not JSON"),
]


@pytest.mark.parametrize("number", range(len(BAD_MESSAGES)))
async def test_a_bad_message_is_one_dead_letter_that_says_why(
    tenant: Tenant, queue_source: MakeSource, number: int
) -> None:
    changed, reason = BAD_MESSAGES[number]
    sent = {"version": 1, "source": str(await queue_source()), "id": "crm-1"} | changed
    for _ in range(2):
        await put(sent)
    (letter,) = tenant.dead_letters()
    assert reason in letter["reason"]
    assert letter["seen"] == 2
    assert tenant.take(QueueName.EXTERNAL) == tenant.take(QueueName.INBOUND) == []


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"\xff\xfe", b"[" * 40_000, b'{"message": "\\ud800"}'])
async def test_what_is_no_message_at_all_is_a_dead_letter(tenant: Tenant, body: bytes) -> None:
    before = tenant.rows("SELECT id FROM dead_letters WHERE stage = 'accept_message'")
    await put(body)
    found = tenant.rows("SELECT id, reason FROM dead_letters WHERE stage = 'accept_message'")
    (letter,) = [row for row in found if row["id"] not in {each["id"] for each in before}]
    assert letter["reason"].startswith("not a ExternalMessage: ")


async def test_a_dead_letter_holds_no_content_and_a_replay_has_it_all(tenant: Tenant, queue_source: MakeSource) -> None:
    source = await queue_source("chat-json")
    await put({"source": str(source), "id": "1", "message": mail(text="my secret"), "attempt": 3})
    (letter,) = tenant.dead_letters()
    assert "my secret" not in json.dumps(letter)
    row = tenant.one("SELECT id FROM dead_letters WHERE project_id = %s", tenant.id)
    assert row
    await tenant.hub.dead_letters.replay(tenant.id, row["id"])
    with tenant.queue(QueueName.EXTERNAL.value) as client:
        (again,) = client.receive_messages()
        client.delete_message(again)
    sent = json.loads(again.content)
    assert (sent["message"]["text"], sent.get("attempt", 0)) == ("my secret", 0)


async def test_with_a_store_away_the_same_message_comes_again_later(
    tenant: Tenant, queue_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Transient("Blob Storage: away")

    monkeypatch.setattr(tenant.hub.blobs, "put_new", away)
    source, sent = str(await queue_source()), mail(text="é" * 10_000)
    await put({"source": source, "id": "1", "message": sent, "attempt": 0})
    await asyncio.sleep(1.2)
    with tenant.queue(QueueName.EXTERNAL.value) as client:
        (again,) = client.receive_messages()
        client.delete_message(again)
    assert {name: json.loads(again.content)[name] for name in ("source", "message", "attempt")} == {
        "source": source,
        "message": sent,
        "attempt": 1,
    }
    assert tenant.dead_letters() == []


async def test_the_largest_message_fits_the_queue_when_it_is_put_off(tenant: Tenant) -> None:
    base = {"source": str(uuid4()), "id": "1", "message": {"text": ""}}
    base["message"] = {"text": "x" * (MAX_EXTERNAL_BYTES - len(json.dumps(base)))}
    message = ExternalMessage.model_validate(base | {"attempt": 99})
    await tenant.hub.queues.send(QueueName.EXTERNAL, message)
    tenant.empty_queues()


async def test_a_blob_above_the_limit_of_its_format_is_never_read(tenant: Tenant, queue_source: MakeSource) -> None:
    name = f"large/{uuid4()}"
    upload(tenant, name, b" " * 1_000_001)
    await put({"source": str(await queue_source("chat-json")), "id": "1", "blob": name})
    assert reasons(tenant) == ["the blob is larger than 1000000 bytes"]


async def test_what_its_sender_did_not_encode_is_a_dead_letter_too(tenant: Tenant, queue_source: MakeSource) -> None:
    body = json.dumps({"source": str(await queue_source()), "id": "1", "message": mail()})
    with tenant.queue("external-messages-poison") as client:
        client.send_message(body)  # as the platform moves what it can't decode: no base64
        await drain_external_poison._function.get_user_function()(None)
        assert client.peek_messages() == []
    assert reasons(tenant) == ["not base64, which messageEncoding in host.json asks for"]


async def test_a_message_is_analysed_by_its_id_alone(tenant: Tenant) -> None:
    interaction = (await tenant.deliver("email", mail()))["id"]
    message = tenant.one("SELECT id FROM messages WHERE interaction_id = %s", interaction)
    assert message
    body = json.dumps({"version": 1, "project_id": str(tenant.id), "message_id": str(message["id"])}).encode()
    received = ReceivedMessage(id="1", body=body)
    await run_step(QueueName.MESSAGE_ANALYSIS, AskedMessage, received, analyze_message)
    assert tenant.count("ai_analysis") == 1
    assert tenant.one("SELECT summary IS NOT NULL AS ok FROM interactions WHERE id = %s", interaction) == {"ok": True}


async def test_a_message_of_another_project_is_not_analysed(tenant: Tenant, other_tenant: Tenant) -> None:
    interaction = (await other_tenant.deliver("email", mail()))["id"]
    message = tenant.one("SELECT id FROM messages WHERE interaction_id = %s", interaction)
    assert message
    body = json.dumps({"version": 1, "project_id": str(tenant.id), "message_id": str(message["id"])}).encode()
    received = ReceivedMessage(id="1", body=body)
    await run_step(QueueName.MESSAGE_ANALYSIS, AskedMessage, received, analyze_message)
    assert reasons(tenant) == ["there is no such message"]
    assert tenant.count("ai_analysis") == other_tenant.count("ai_analysis") == 0
