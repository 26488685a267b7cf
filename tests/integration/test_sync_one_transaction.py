"""A batch is one transaction: rows, what is settled, dead letters and the reader's position commit together or not."""

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from shared.errors import Transient
from shared.stores.cosmos import Documents
from shared.stores.postgres import Transaction
from shared.sync.apply import Applied
from tests.integration.shop import Document, Shop

pytest_plugins = ["tests.integration.shop_fixtures"]

SECOND = 1_717_000_000


def version(document: Document, second: int, **changed: Any) -> Document:
    return document | {"_ts": SECOND + second, "_etag": f'"{uuid.uuid4()}"'} | changed


def remembered(shop: Shop, position: str) -> list[dict[str, Any]]:
    return shop.rows("SELECT 1 FROM sync_positions WHERE name = %s", position)


async def apply_and_remember(shop: Shop, batch: list[Document], *, fail: bool = False) -> Applied:
    """Apply a batch with a position named as its first document."""

    async def remember(transaction: Transaction) -> None:
        await transaction.as_role("hub_sweeper")
        insert = "INSERT INTO sync_positions (name, position) VALUES (%(name)s, 'here')"
        await transaction.execute(insert, name=batch[0]["id"])
        if fail:
            raise RuntimeError("another reader was first")

    return await shop.hub.sync.apply_changes(batch, commit_with=remember)


class AwayDocuments:
    """Cosmos DB out of reach."""

    async def read(self, interaction: str, contact: str) -> None:
        await asyncio.sleep(0)
        raise Transient("Cosmos DB: 503")


@dataclass(frozen=True)
class BehindDocuments:
    """A replica of Cosmos DB that has not seen the last writes."""

    document: Document

    async def read(self, interaction: str, contact: str) -> Document:
        await asyncio.sleep(0)
        return self.document


async def test_the_position_commits_with_the_rows_and_the_dead_letters(shop: Shop) -> None:
    good, bad = version(shop.document(), 1), version(shop.document(content="\0"), 1)
    applied = await apply_and_remember(shop, [good, bad])
    assert (applied.written, applied.dead) == (1, 1)
    assert remembered(shop, good["id"])
    assert shop.dead_letters(bad["id"])


async def test_a_position_that_can_not_be_taken_undoes_rows_and_dead_letters(shop: Shop) -> None:
    good, bad = version(shop.document(), 1), version(shop.document(content="\0"), 1)
    with pytest.raises(RuntimeError, match="another reader was first"):
        await apply_and_remember(shop, [good, bad], fail=True)
    assert not remembered(shop, good["id"])
    assert not shop.dead_letters(bad["id"])
    assert not shop.rows("SELECT 1 FROM interactions WHERE id = %s", good["id"])
    assert not shop.rows("SELECT 1 FROM contacts WHERE id = %s", good["contactId"])


async def test_an_empty_page_moves_the_position_too(shop: Shop) -> None:
    moved = []

    async def commit_with(transaction: Transaction) -> None:
        moved.append(await transaction.one("SELECT 1 AS ok"))

    await shop.hub.sync.apply_changes([], commit_with=commit_with)
    assert moved == [{"ok": 1}]


async def test_no_position_passes_a_document_that_could_not_be_settled(shop: Shop) -> None:
    first, other = version(shop.document(), 1), version(shop.document(), 1)
    await shop.hub.sync.apply_changes([first])
    away = replace(shop.hub.sync, documents=cast("Documents", AwayDocuments()))
    moved = []

    async def commit_with(transaction: Transaction) -> None:
        moved.append(transaction)

    undecided = version(first, 1, content="of the same second")
    with pytest.raises(Transient, match="503"):
        await away.apply_changes([other, undecided], commit_with=commit_with)
    assert moved == []
    assert not shop.rows("SELECT 1 FROM interactions WHERE id = %s", other["id"])


async def test_what_a_replica_that_is_behind_answers_is_not_believed(shop: Shop) -> None:
    newer = version(shop.document(), 2)
    await shop.hub.sync.apply_changes([newer])
    behind = replace(shop.hub.sync, documents=cast("Documents", BehindDocuments(version(newer, 1, content="before"))))

    with pytest.raises(Transient, match="older than its feed"):
        await behind.apply_changes([version(newer, 2, content="of the same second")])
    assert shop.rows("SELECT content FROM interactions WHERE id = %s", newer["id"]) == [{"content": newer["content"]}]


async def test_a_batch_that_comes_again_writes_nothing_not_even_a_lock(shop: Shop) -> None:
    seen = version(shop.document(), 1)
    batch = [version(shop.document(), 1), version(seen, 2), version(shop.document(), 1, deleted=True)]
    await shop.hub.sync.apply_changes([seen])
    await shop.hub.sync.apply_changes(batch)
    transactions = []

    async def commit_with(transaction: Transaction) -> None:
        # Whoever writes or locks a row has an id by then, and leaves it in the write-ahead log.
        transactions.append(await transaction.one("SELECT pg_current_xact_id_if_assigned()::text AS id"))

    for again in (batch, [seen], [*batch, seen]):
        applied = await shop.hub.sync.apply_changes(again, commit_with=commit_with)
        assert applied == Applied()
    assert transactions == [{"id": None}] * 3


async def test_batches_that_share_contacts_projects_and_rows_all_end(shop: Shop, other_shop: Shop) -> None:
    contacts = [str(uuid.uuid4()) for _ in range(4)]
    documents = [
        version(each.document(contactId=contact), 1)
        for each in (shop, other_shop)
        for contact in contacts
        for _ in "ab"
    ]
    later = [version(document, 2, content="later") for document in documents]
    batches = [documents, documents[::-1], later, later[::-1], documents[4:] + later[:9], later[3:] + documents[:7]]
    await asyncio.gather(*(shop.hub.sync.apply_changes(batch) for batch in batches * 2))
    rows = shop.rows("SELECT content FROM interactions WHERE contact_id = ANY(%s::uuid[])", contacts)
    assert [row["content"] for row in rows] == ["later"] * len(documents)


async def test_what_was_deleted_before_it_was_ever_seen_stays_deleted(shop: Shop) -> None:
    document = shop.document()
    created, changed, tombstone = (version(document, second) for second in (1, 2, 3))
    tombstone |= {"content": "", "metadata": {}, "deleted": True}
    for late in ([tombstone], [created], [changed, created], [tombstone, changed]):
        await shop.hub.sync.apply_changes(late)
        row = shop.interaction(document["id"])
        assert (row["content"], row["deleted_at"] is not None) == ("", True)
    contact = shop.one("SELECT last_interaction_at FROM contacts WHERE id = %s", document["contactId"])
    assert contact["last_interaction_at"] is None
