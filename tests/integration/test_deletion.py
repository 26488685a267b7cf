"""Deleting an interaction: a tombstone in Cosmos DB, gone from every read and view at once."""

import time
import uuid
from typing import Any

import pytest

from shared.errors import Rejected, Transient
from shared.identifiers import ContactId, InteractionId
from shared.inbox.cursors import read_cursor
from shared.models.document_versions import CURRENT
from shared.models.messages import Identity
from shared.models.views import NewFact
from shared.stores.cosmos import Documents
from shared.stores.postgres import Row
from shared.sync.apply import Sync
from tests.integration.shop import Document, Shop, files

pytest_plugins = ["tests.integration.shop_fixtures"]

PAGE = read_cursor(None, None)
CLASSIFICATION = '{"intent": "question", "category": "other", "priority": "normal", "language": "en"}'
# Every view that shows something of an interaction, with how it is found there.
VIEWS = {
    "interactions": "id = %(id)s",
    "customer_interactions": "id = %(id)s",
    "messages": "interaction_id = %(id)s",
    "attachments": "message_id = %(message)s",
    "ai_analysis": "message_id = %(message)s",
    "context_data": "interaction_id = %(id)s",
    "ai_interactions": "request->>'about' = %(id)s::text",
}


async def understood(shop: Shop) -> Row:
    """Store a mail with a file, an analysis, a fact and a logged model call."""
    row = await shop.store(attachments=files(b"bytes"))
    message = shop.one("SELECT id FROM messages WHERE interaction_id = %s", row["id"])["id"]
    shop.rows(
        "INSERT INTO ai_analysis (project_id, id, message_id, analysis_version, classification, entities, engine,"
        " model, prompt_version) VALUES (%s, %s, %s, '1', %s::jsonb, '[]', 'offline', 'm', '1')",
        *(shop.id, uuid.uuid4(), message, CLASSIFICATION),
    )
    shop.rows(
        "INSERT INTO ai_interactions (project_id, request, purpose, interaction_id, message_id)"
        " VALUES (%s, jsonb_build_object('about', %s::text), 'message_analysis', %s, %s)",
        *(shop.id, row["id"], row["id"], message),
    )
    new = NewFact(context_type="preference", data={"fact": "likes clocks"}, interaction_id=row["id"])
    await shop.hub.history.add_fact(shop.id, ContactId(row["contact_id"]), new, None)
    return row | {"message_id": message}


async def delete(shop: Shop, identifier: object) -> None:
    await shop.hub.deletion.delete(shop.id, InteractionId(uuid.UUID(str(identifier))))


async def read(shop: Shop, row: Row) -> Document:
    document = await shop.hub.documents.read(str(row["id"]), str(row["contact_id"]))
    assert document is not None
    return document


async def shown(shop: Shop, view: str, row: Row) -> int:
    async with shop.hub.postgres.tenant(shop.id) as transaction:
        where: Any = f"SELECT 1 FROM contracts.{view} WHERE {VIEWS[view]}"
        return len(await transaction.all(where, id=row["id"], message=row["message_id"]))


async def assert_missing(call: Any) -> None:
    with pytest.raises(Rejected) as raised:
        await call
    assert raised.value.status == 404


async def test_a_deleted_interaction_leaves_an_emptied_tombstone(shop: Shop) -> None:
    row = await shop.store()
    before = await read(shop, row)
    await delete(shop, row["id"])
    tombstone = await read(shop, row)
    assert tombstone["deleted"] is True
    assert (tombstone["content"], tombstone["metadata"], tombstone["tags"]) == ("", {}, [])
    assert tombstone["embedding"] is None
    assert tombstone["ttl"] == shop.hub.settings.tombstone_ttl_seconds
    assert tombstone["version"] > before["version"]
    assert shop.interaction(row["id"])["content"] == ""


async def test_a_deleted_interaction_is_gone_from_every_read_at_once(shop: Shop) -> None:
    row = await understood(shop)
    contact, history = ContactId(row["contact_id"]), shop.hub.history
    file = (await history.interaction(shop.id, row["id"])).attachments[0].id
    kept = await shop.store(identities=_identities(shop, contact))
    assert (await history.file(shop.id, file)).raw == b"bytes"
    await delete(shop, row["id"])
    context = await history.context(shop.id, contact, PAGE, PAGE)
    assert [each.id for each in context.interactions.items] == [kept["id"]]
    assert context.facts.items == []
    await assert_missing(history.interaction(shop.id, row["id"]))
    await assert_missing(history.file(shop.id, file))


@pytest.mark.parametrize("view", VIEWS)
async def test_a_deleted_interaction_is_gone_from_every_view_at_once(shop: Shop, view: str) -> None:
    row = await understood(shop)
    assert await shown(shop, view, row) == 1
    await delete(shop, row["id"])
    assert await shown(shop, view, row) == 0


async def test_a_late_version_from_before_does_not_bring_it_back(shop: Shop) -> None:
    row = await shop.store()
    before = await read(shop, row)
    await delete(shop, row["id"])
    await shop.hub.sync.apply_changes([before])
    assert shop.interaction(row["id"])["deleted_at"] is not None
    await assert_missing(shop.hub.history.interaction(shop.id, row["id"]))


async def test_after_the_tombstone_expired_no_version_from_before_brings_it_back(shop: Shop) -> None:
    row = await shop.store()
    first = await read(shop, row)
    second = await shop.write(first | {"content": "newer"})
    await shop.hub.sync.apply_changes([first])
    await delete(shop, row["id"])
    await shop.container.delete_item(str(row["id"]), partition_key=str(row["contact_id"]))
    for late in ([first], [second], [second, first], [first, second]):
        await shop.hub.sync.apply_changes(late)
        stored = shop.interaction(row["id"])
        assert (stored["content"], stored["deleted_at"] is None) == ("", False)


async def test_a_tombstone_that_comes_before_anything_else_leaves_nothing_to_bring_back(shop: Shop) -> None:
    first = await shop.write(shop.document())
    tombstone = await shop.write(first | {"deleted": True, "content": "", "metadata": {}})
    for batch in ([tombstone], [first], [tombstone, first]):
        await shop.hub.sync.apply_changes(batch)
        assert shop.interaction(first["id"])["deleted_at"] is not None
        await assert_missing(shop.hub.history.interaction(shop.id, uuid.UUID(first["id"])))


async def test_the_feed_brings_a_tombstone_whose_way_to_postgres_broke(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await shop.store()

    async def broken(self: Sync, documents: list[Document], **_: Any) -> None:
        raise Transient("Postgres is away")

    with monkeypatch.context() as away:
        away.setattr(Sync, "apply_changes", broken)
        with pytest.raises(Transient):
            await delete(shop, row["id"])
    assert shop.interaction(row["id"])["deleted_at"] is None
    await shop.hub.sync.apply_changes([await read(shop, row)])
    await assert_missing(shop.hub.history.interaction(shop.id, row["id"]))


async def test_a_document_of_a_newer_schema_is_deleted_too(shop: Shop) -> None:
    row = await shop.store()
    await shop.write(await read(shop, row) | {"schemaVersion": CURRENT + 1, "body": "secret"})
    await delete(shop, row["id"])
    tombstone = await read(shop, row)
    assert (tombstone["deleted"], tombstone["schemaVersion"]) == (True, CURRENT)
    assert "body" not in tombstone


async def test_storing_the_mail_again_does_not_bring_it_back(shop: Shop) -> None:
    row = await shop.store(key="the same mail")
    await delete(shop, row["id"])
    again = await shop.store(key="the same mail")
    assert again["id"] == row["id"]
    assert again["deleted_at"] is not None
    assert (await read(shop, row))["deleted"] is True


async def test_deleting_twice_is_not_found(shop: Shop) -> None:
    row = await shop.store()
    await delete(shop, row["id"])
    await assert_missing(delete(shop, row["id"]))


async def test_deleting_what_never_was_is_not_found(shop: Shop) -> None:
    await assert_missing(delete(shop, uuid.uuid4()))


async def test_deleting_another_projects_interaction_is_not_found(shop: Shop, other_shop: Shop) -> None:
    row = await other_shop.store()
    await assert_missing(delete(shop, row["id"]))
    assert (await read(other_shop, row))["deleted"] is False


@pytest.mark.parametrize("keeps_organization", [False, True])
async def test_a_document_that_was_given_to_another_project_is_not_this_ones_to_delete(
    shop: Shop, other_shop: Shop, *, keeps_organization: bool
) -> None:
    first = await shop.write(shop.document(organizationId=str(shop.id) if keeps_organization else None))
    await shop.hub.sync.apply_changes([first])
    moved = await shop.write(first | {"projectId": str(other_shop.id)})
    await shop.hub.sync.apply_changes([moved])
    await delete(shop, first["id"])
    rows = {row["project_id"]: row for row in shop.rows("SELECT * FROM interactions WHERE id = %s", first["id"])}
    assert (rows[shop.id]["content"], rows[shop.id]["deleted_at"] is None) == ("", False)
    assert (rows[other_shop.id]["content"], rows[other_shop.id]["deleted_at"]) == (first["content"], None)
    assert await shop.hub.documents.read(first["id"], first["contactId"]) == moved
    await assert_missing(shop.hub.history.interaction(shop.id, uuid.UUID(first["id"])))


async def test_an_interaction_not_yet_published_is_deleted_too(shop: Shop) -> None:
    row = await shop.store(publish=False)
    await delete(shop, row["id"])
    assert (await read(shop, row))["content"] == ""
    assert shop.interaction(row["id"])["deleted_at"] is not None


async def test_a_document_that_is_a_tombstone_already_is_followed(shop: Shop) -> None:
    row = await shop.store()
    await shop.write(await read(shop, row) | {"deleted": True, "content": ""})
    await delete(shop, row["id"])
    assert shop.interaction(row["id"])["deleted_at"] is not None


async def test_a_tombstones_version_passes_one_from_a_clock_that_runs_ahead(shop: Shop) -> None:
    row = await shop.store(publish=False)
    ahead = int((time.time() + 3600) * 1_000_000)
    document = shop.document(id=str(row["id"]), contactId=str(row["contact_id"]), version=ahead)
    await shop.hub.sync.apply_changes([await shop.write(document)])
    await delete(shop, row["id"])
    assert (await read(shop, row))["version"] == ahead + 1
    assert shop.interaction(row["id"])["deleted_at"] is not None


async def test_a_writer_in_between_is_not_overwritten_blindly(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    row, real = await shop.store(), Documents.replace
    races, ahead = iter([True]), int((time.time() + 3600) * 1_000_000)

    async def raced(self: Documents, document: Document, *, etag: str) -> Document | None:
        if next(races, False):
            await shop.write(await read(shop, row) | {"version": ahead})
        return await real(self, document, etag=etag)

    monkeypatch.setattr(Documents, "replace", raced)
    await delete(shop, row["id"])
    tombstone = await read(shop, row)
    assert (tombstone["deleted"], tombstone["version"]) == (True, ahead + 1)


async def test_deleting_gives_up_for_now_when_others_never_stop_writing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await shop.store()

    async def lost(self: Documents, document: Document, *, etag: str) -> None:
        return None

    monkeypatch.setattr(Documents, "replace", lost)
    with pytest.raises(Transient):
        await delete(shop, row["id"])
    assert shop.interaction(row["id"])["deleted_at"] is None


def _identities(shop: Shop, contact: ContactId) -> Any:
    found = shop.rows("SELECT type, value FROM contact_identities WHERE contact_id = %s", contact)
    return tuple(Identity(each["type"], each["value"]) for each in found)
