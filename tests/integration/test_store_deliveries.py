"""store_message: one delivery becomes one interaction in both stores, however often it is stored."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.errors import Permanent, Rejected, Transient
from shared.ingestion.registry import PROVIDERS
from shared.models.text import MAX_CONTENT_BYTES
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from tests.integration.tenant import Tenant, chat, file, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]

TABLES = ("contacts", "contact_identities", "conversations", "interactions", "messages", "attachments", "deliveries")


async def patiently(tenant: Tenant, work: DeliveryWork) -> None:
    """Store as the queue does: what time may cure is tried again."""
    for _ in range(50):
        try:
            return await tenant.hub.store.store(work)
        except Transient:
            await asyncio.sleep(0.1)
    raise AssertionError("still not stored")


def counts(tenant: Tenant) -> dict[str, int]:
    return {table: tenant.count(table) for table in TABLES}


ONE_OF_EACH = dict.fromkeys(TABLES, 1) | {"attachments": 2}


async def test_a_delivery_stored_twice_is_one_interaction_with_one_set_of_attachments(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail(attachments=[file(b"one"), file(b"two")]))
    await tenant.hub.store.store(work)
    first = tenant.documents()
    await tenant.hub.store.store(work)
    assert counts(tenant) == ONE_OF_EACH
    assert tenant.documents() == first
    assert len(tenant.blobs(BlobContainer.ATTACHMENTS)) == 2


async def test_a_delivery_stored_ten_times_at_once_is_one_interaction(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail(attachments=[file(b"one"), file(b"two")]))
    await asyncio.gather(*(patiently(tenant, work) for _ in range(10)))
    assert counts(tenant) == ONE_OF_EACH
    assert len(tenant.documents()) == 1
    assert len(tenant.blobs(BlobContainer.ATTACHMENTS)) == 2


async def test_the_same_mail_in_two_deliveries_is_one_interaction(tenant: Tenant) -> None:
    sent = mail()
    first, second = await tenant.deliver("email", sent), await tenant.deliver("email", sent)
    assert first["id"] == second["id"]
    assert counts(tenant) == dict.fromkeys(TABLES, 1) | {"attachments": 0, "deliveries": 2}


async def test_another_content_under_the_same_message_id_is_another_interaction(tenant: Tenant) -> None:
    sent = mail()
    squatter = await tenant.deliver("email", sent | {"text": "Nothing to see"})
    real = await tenant.deliver("email", sent)
    assert squatter["id"] != real["id"]
    assert squatter["conversation_id"] == real["conversation_id"]


async def test_the_document_is_the_contracts_field_by_field(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(sender="ada@example.com", messageId="<1@x>"))
    document = {k: v for k, v in tenant.document(row["id"]).items() if not k.startswith("_")}
    version = document.pop("version")
    assert document == {
        "id": str(row["id"]),
        "agentId": str(row["agent_id"]),
        "contactId": str(row["contact_id"]),
        "organizationId": None,
        "type": "email",
        "timestamp": row["timestamp"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "content": row["content"],
        "metadata": {
            "subject": "My clock",
            "from": "ada@example.com",
            "to": ["shop@example.org"],
            "messageId": "<1@x>",
            "attachments": 0,
        },
        "embedding": None,
        "embeddingModel": None,
        "embeddingDate": None,
        "tags": [],
        "projectId": str(tenant.id),
        "deleted": False,
        "schemaVersion": 2,
    }
    assert version == pytest.approx(datetime.now(UTC).timestamp() * 1e6, abs=60e6)


async def test_the_row_waits_for_its_confirmation_by_cosmos(tenant: Tenant) -> None:
    row = await tenant.deliver("chat", chat())
    assert (row["source_version"], row["source_etag"]) == (0, None)


async def test_the_message_keeps_the_whole_and_what_is_new(tenant: Tenant) -> None:
    text = "Yes.\n\nOn Monday Nora wrote:\n> Shall we?"
    row = await tenant.deliver("email", mail(text=text, cc=["bo@example.net"]))
    message = tenant.one("SELECT * FROM messages WHERE interaction_id = %s", row["id"])
    assert message
    assert (message["content"], message["new_text"]) == (text, "Yes.")
    assert message["recipients"] == ["shop@example.org", "bo@example.net"]
    assert row["content"] == text


async def test_a_mail_of_html_only_is_stored_as_text(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(text=None, html="<p>Hello&nbsp;<b>you</b></p><p>Bye</p>"))
    assert row["content"] == "Hello you\n\nBye"


async def test_attachments_are_in_blob_by_content_hash_and_once(tenant: Tenant) -> None:
    row = await tenant.deliver(
        "email", mail(attachments=[file(b"same", "a.png"), file(b"same", "../../b.txt", "Text/Plain")])
    )
    digest = hashlib.sha256(b"same").hexdigest()
    assert tenant.blobs(BlobContainer.ATTACHMENTS) == [f"{tenant.id}/{digest}"]
    rows = tenant.rows(
        "SELECT a.position, a.filename, a.type, a.content_type, a.size_bytes, a.sha256, a.url, a.id FROM attachments a"
        " JOIN messages m ON m.id = a.message_id WHERE m.interaction_id = %s ORDER BY a.position",
        row["id"],
    )
    assert [(each["filename"], each["type"], each["content_type"]) for each in rows] == [
        ("a.png", "image", "image/png"),
        ("b.txt", "text", "text/plain"),
    ]
    assert all((each["size_bytes"], each["sha256"]) == (4, digest) for each in rows)
    assert all(each["url"] == f"/api/v1/attachments/{each['id']}" for each in rows)


async def test_the_analysis_of_message_and_attachments_is_enqueued_after_both_stores(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(attachments=[file(b"one"), file(b"two")]))
    (message,) = tenant.take(QueueName.MESSAGE_ANALYSIS)
    attachments = tenant.take(QueueName.ATTACHMENT_ANALYSIS)
    assert message["interaction_id"] == str(row["id"])
    assert {UUID(work["attachment_id"]) for work in attachments} == {each["id"] for each in tenant.rows(
        "SELECT id FROM attachments WHERE project_id = %s", tenant.id)}  # fmt: skip
    assert message["attempt"] == 0


@pytest.mark.parametrize("minutes", [-31 * 1440, 11])
async def test_an_implausible_time_becomes_the_time_of_receipt_and_is_kept(tenant: Tenant, minutes: int) -> None:
    received_at = datetime.now(UTC)
    sent_at = received_at + timedelta(minutes=minutes)
    row = await tenant.deliver("email", mail(sentAt=sent_at.isoformat()), received_at=received_at)
    assert row["timestamp"] == received_at
    assert row["metadata"]["originalTimestamp"] == sent_at.isoformat()


@pytest.mark.parametrize("minutes", [9, -29 * 1440])
async def test_a_time_from_thirty_days_ago_to_ten_minutes_ahead_stands(tenant: Tenant, minutes: int) -> None:
    received_at = datetime.now(UTC)
    sent_at = received_at + timedelta(minutes=minutes)
    row = await tenant.deliver("chat", chat(sentAt=sent_at.isoformat()), received_at=received_at)
    assert row["timestamp"] == sent_at
    assert "originalTimestamp" not in row["metadata"]


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_time_at_the_end_of_all_times_is_no_trouble(tenant: Tenant, sent_at: str) -> None:
    row = await tenant.deliver("email", mail(sentAt=sent_at))
    assert abs(row["timestamp"] - datetime.now(UTC)) < timedelta(minutes=1)


async def test_content_is_cut_at_256_kib_between_characters_and_flagged(tenant: Tenant) -> None:
    raw = json.dumps(mail(text="ä" * MAX_CONTENT_BYTES), ensure_ascii=False).encode()
    row = await tenant.deliver("email", raw)
    assert row["content"] == "ä" * (MAX_CONTENT_BYTES // 2)
    assert row["metadata"]["contentCut"] is True
    assert tenant.document(row["id"])["content"] == row["content"]


async def test_content_of_256_kib_is_not_flagged(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(text="a" * MAX_CONTENT_BYTES))
    assert (len(row["content"]), "contentCut" in row["metadata"]) == (MAX_CONTENT_BYTES, False)


async def test_text_that_postgres_refuses_is_stored_without_it(tenant: Tenant) -> None:
    changed = {"subject": "a\0b", "text": "c\0d", "messageId": "\0<1>", "threadId": "\0", "references": ["\0"]}
    row = await tenant.deliver("email", mail(**changed, attachments=[file(b"x", "\0", "\0")]))
    assert (row["subject"], row["content"], row["external_id"]) == ("ab", "cd", "<1>")


async def test_a_committed_contact_is_never_resolved_again(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    work = await tenant.keep("chat", chat(email="ada@example.com"))

    async def away(_: object) -> bool:
        raise Transient("Cosmos DB: 503")

    with monkeypatch.context() as broken:
        broken.setattr(tenant.hub.documents, "create", away)
        with pytest.raises(Transient):
            await tenant.hub.store.store(work)
    committed = tenant.one("SELECT id, contact_id FROM interactions WHERE project_id = %s", tenant.id)
    assert committed
    tenant.rows("DELETE FROM contact_identities WHERE project_id = %s", tenant.id)

    await tenant.hub.store.store(work)

    assert tenant.one("SELECT contact_id FROM interactions WHERE id = %s", committed["id"]) == {
        "contact_id": committed["contact_id"]
    }
    assert tenant.document(committed["id"])["contactId"] == str(committed["contact_id"])
    assert tenant.count("contacts") == 1


async def test_a_delivery_that_lost_cosmos_is_not_done_until_it_is_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = await tenant.keep("email", mail())

    async def away(_: object) -> bool:
        raise Transient("Cosmos DB: 503")

    with monkeypatch.context() as broken:
        broken.setattr(tenant.hub.documents, "create", away)
        with pytest.raises(Transient):
            await tenant.hub.store.store(work)
    assert tenant.one("SELECT state FROM deliveries WHERE id = %s", work.delivery_id) == {"state": "received"}
    assert tenant.take(QueueName.MESSAGE_ANALYSIS) == []
    await tenant.hub.store.store(work)
    assert tenant.one("SELECT state FROM deliveries WHERE id = %s", work.delivery_id) == {"state": "done"}
    assert len(tenant.take(QueueName.MESSAGE_ANALYSIS)) == 1


async def test_a_deleted_interaction_is_never_published_again(tenant: Tenant) -> None:
    sent = mail()
    row = await tenant.deliver("email", sent)
    await tenant.hub.deletion.delete(tenant.id, row["id"])
    tenant.empty_queues()
    tombstone = tenant.document(row["id"])

    work = await tenant.keep("email", sent)
    await tenant.hub.store.store(work)

    assert tenant.documents() == [tombstone]
    assert tombstone["deleted"] is True
    assert tenant.take(QueueName.MESSAGE_ANALYSIS) == []
    assert tenant.one("SELECT state FROM deliveries WHERE id = %s", work.delivery_id) == {"state": "done"}


async def test_a_deleted_document_whose_tombstone_is_gone_stays_gone(tenant: Tenant) -> None:
    sent = mail()
    row = await tenant.deliver("email", sent)
    await tenant.hub.deletion.delete(tenant.id, row["id"])
    await tenant.hub.documents._container().delete_item(str(row["id"]), partition_key=str(row["contact_id"]))
    await tenant.deliver("email", sent)
    assert tenant.documents() == []


@pytest.mark.parametrize("raw", [b"not json", b"{}", b"[]", b"\xff", b"{" * 100_000])
async def test_a_raw_body_that_can_not_be_parsed_is_quarantined_and_kept(tenant: Tenant, raw: bytes) -> None:
    work = await tenant.keep("email", raw)
    await tenant.hub.store.store(work)
    delivery = tenant.delivery(work)
    assert delivery
    assert (delivery["state"], bool(delivery["reason"])) == ("quarantined", True)
    assert tenant.count("interactions") == 0
    blob = await tenant.hub.blobs.get(BlobContainer.INBOUND, work.blob)
    assert blob
    assert blob.raw == raw


async def test_a_delivery_whose_raw_body_is_gone_can_not_succeed(tenant: Tenant) -> None:
    gone = (await tenant.keep("email", mail())).model_copy(update={"blob": f"2020-01-01-00/{tenant.id}/x/y"})
    with pytest.raises(Permanent):
        await tenant.hub.store.store(gone)
    assert tenant.count("interactions") == 0


async def test_work_that_names_another_projects_source_can_not_succeed(tenant: Tenant, other_tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    forged = work.model_copy(update={"source_id": other_tenant.source("email")})
    with pytest.raises(Permanent, match="another project"):
        await tenant.hub.store.store(forged)
    assert tenant.count("interactions") == other_tenant.count("interactions") == 0


async def test_several_messages_of_a_delivery_go_on_from_where_they_stopped(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = PROVIDERS["email", "json"]
    mails = [json.dumps(mail(text=f"mail {number}")).encode() for number in range(3)]
    parse = provider.parse

    def parse_all(raw: bytes, source: Any, key: str) -> list[Any]:
        return [message for each in mails for message in parse(each, source, key)]

    monkeypatch.setattr(provider, "parse", parse_all)
    work, created = await tenant.keep("email", b"three"), []
    create = tenant.hub.documents.create

    async def second_fails(document: dict[str, Any]) -> bool:
        created.append(document["content"])
        if len(created) == 2:
            raise Transient("Cosmos DB: 429")
        return await create(document)

    monkeypatch.setattr(tenant.hub.documents, "create", second_fails)
    with pytest.raises(Transient):
        await tenant.hub.store.store(work)
    states = "SELECT position, state FROM delivery_messages WHERE delivery_id = %s ORDER BY position"
    assert [row["state"] for row in tenant.rows(states, work.delivery_id)] == ["done", "stored"]

    await tenant.hub.store.store(work)

    assert created == ["mail 0", "mail 1", "mail 1", "mail 2"]
    assert [row["state"] for row in tenant.rows(states, work.delivery_id)] == ["done"] * 3
    assert len(tenant.documents()) == 3


async def test_a_delivery_is_told_from_its_receipt_to_its_end(tenant: Tenant) -> None:
    accepted = await tenant.receive("email", mail())
    delivery, source = UUID(accepted["deliveryId"]), tenant.source("email")
    (work,) = tenant.take(QueueName.INBOUND)
    hour = work["blob"].partition("/")[0]

    before = await tenant.hub.progress.of(tenant.id, delivery, source, hour)  # type: ignore[arg-type] # ids are UUIDs
    await tenant.hub.store.store(DeliveryWork.model_validate(work))
    after = await tenant.hub.progress.of(tenant.id, delivery, None, None)  # type: ignore[arg-type] # ids are UUIDs

    assert (before.state, before.messages) == ("received", [])
    assert (after.state, after.reason) == ("done", None)
    assert [(each.position, str(each.interaction_id), each.state) for each in after.messages] == [
        (0, accepted["interactionIds"][0], "done")
    ]


@pytest.mark.parametrize("hour", [None, "", "2026-11-22", "2020-01-01-00", "../x", "\0", "x" * 3000])
async def test_a_delivery_that_is_not_there_is_a_404(tenant: Tenant, hour: str | None) -> None:
    with pytest.raises(Rejected) as refusal:
        await tenant.hub.progress.of(tenant.id, uuid4(), tenant.source("email"), hour)  # type: ignore[arg-type] # as above
    assert refusal.value.status == 404


async def test_a_delivery_of_another_project_is_a_404(tenant: Tenant, other_tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    await tenant.hub.store.store(work)
    hour = work.blob.partition("/")[0]
    with pytest.raises(Rejected) as refusal:
        await tenant.hub.progress.of(other_tenant.id, work.delivery_id, work.source_id, hour)  # type: ignore[arg-type] # as above
    assert refusal.value.status == 404
