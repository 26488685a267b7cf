"""Two appliers at one row at the same time: the second finds out what the first did once it has the row."""

import asyncio
import uuid
from typing import Any

import psycopg

from shared.sync.apply import Applied
from shared.sync.changes import Change, read_change
from tests.integration.shop import Document, Shop

pytest_plugins = ["tests.integration.shop_fixtures"]

SECOND = 1_717_000_000
WAITING = """
    SELECT query FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ '^\\s*WITH (written|behind) AS'"""


def version(document: Document, second: int, **changed: Any) -> Document:
    return document | {"_ts": SECOND + second, "_etag": f'"{uuid.uuid4()}"'} | changed


def change(document: Document) -> Change:
    read = read_change(document)
    assert isinstance(read, Change)
    return read


async def waiting(shop: Shop) -> str:
    """Return the statement that waits for a lock, once there is one."""
    while not (found := shop.rows(WAITING)):  # noqa: ASYNC110 # the event happens in the server
        await asyncio.sleep(0.05)
    return str(found[0]["query"])


async def beside(shop: Shop, others: list[Document], first: psycopg.AsyncConnection[Any]) -> Applied:
    """Apply `others` while `first` holds a row, and let `first` commit once they are seen to wait."""
    applying = asyncio.create_task(shop.hub.sync.apply_changes(others))
    await waiting(shop)
    await first.commit()
    return await applying


async def test_a_version_that_waited_for_a_newer_one_does_not_overwrite_it(shop: Shop) -> None:
    document = shop.document()
    await shop.hub.sync.apply_changes([version(document, 1)])
    newer = change(version(document, 3))
    async with await psycopg.AsyncConnection.connect(shop.stack.postgres.dsn("hub")) as first:
        await first.execute(
            "UPDATE interactions SET content = 'newer', source_version = %s, source_ts = %s, source_etag = %s"
            " WHERE id = %s",
            [newer.order, newer.ts, newer.etag, newer.id],
        )
        applied = await beside(shop, [version(document, 2, content="between")], first)
        assert (applied.written, applied.settled) == (0, 0)
    assert shop.interaction(document["id"])["content"] == "newer"


async def test_an_id_that_another_contact_took_first_stays_theirs(shop: Shop) -> None:
    owner = await shop.contact()
    document = shop.document(contactId=str(owner))
    taken = version(document, 1)
    async with await psycopg.AsyncConnection.connect(shop.stack.postgres.dsn("hub")) as first:
        await first.execute(
            "INSERT INTO interactions (project_id, id, contact_id, type, content, timestamp, source_etag)"
            " VALUES (%s, %s, %s, 'note', 'theirs', now(), %s)",
            [shop.id, taken["id"], owner, taken["_etag"]],
        )
        thief = version(document, 2, contactId=str(uuid.uuid4()))
        applied = await beside(shop, [thief], first)
        assert (applied.written, applied.dead) == (0, 1)
    row = shop.interaction(document["id"])
    assert (row["content"], row["contact_id"]) == ("theirs", owner)


async def test_a_contact_that_someone_else_made_meanwhile_gets_its_last_interaction(shop: Shop) -> None:
    document = version(shop.document(), 1)
    async with await psycopg.AsyncConnection.connect(shop.stack.postgres.dsn("hub")) as first:
        await first.execute(
            "INSERT INTO contacts (project_id, id, origin, last_interaction_at) VALUES (%s, %s, 'sync', '2001-01-01')",
            [shop.id, document["contactId"]],
        )
        await beside(shop, [document], first)
    contact = shop.one("SELECT last_interaction_at FROM contacts WHERE id = %s", document["contactId"])
    assert contact["last_interaction_at"] == change(document).read.timestamp


async def test_a_batch_whose_row_someone_inserts_meanwhile_begins_again_and_writes_the_rest(shop: Shop) -> None:
    contact = await shop.contact()
    ours, theirs = (version(shop.document(contactId=str(contact)), 1) for _ in range(2))
    async with await psycopg.AsyncConnection.connect(shop.stack.postgres.dsn("hub")) as first:
        await first.execute(
            "INSERT INTO interactions (project_id, id, contact_id, type, content, timestamp, source_version, source_ts)"
            " VALUES (%s, %s, %s, 'note', 'newer', now(), %s, %s)",
            [shop.id, theirs["id"], contact, (SECOND + 9) * 1_000_000, SECOND + 9],
        )
        applied = await beside(shop, [ours, theirs], first)
        assert applied.written == 1
    assert shop.interaction(theirs["id"])["content"] == "newer"
    assert shop.interaction(ours["id"])["source_etag"] == ours["_etag"]


async def test_a_contact_that_a_delivery_is_writing_is_waited_for_last_of_all(shop: Shop) -> None:
    document = version(shop.document(contactId=str(await shop.contact()), timestamp="2090-01-01T00:00:00Z"), 1)
    async with await psycopg.AsyncConnection.connect(shop.stack.postgres.dsn("hub")) as first:
        await first.execute("UPDATE contacts SET display_name = 'Grace' WHERE id = %s", [document["contactId"]])
        applying = asyncio.create_task(shop.hub.sync.apply_changes([document]))
        assert "UPDATE contacts" in await waiting(shop)
        await first.commit()
        await applying
    contact = shop.one("SELECT * FROM contacts WHERE id = %s", document["contactId"])
    assert (contact["display_name"], contact["last_interaction_at"]) == ("Grace", change(document).read.timestamp)
