"""Reads of contacts, their context, facts and files."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from shared.errors import Rejected
from shared.identifiers import ContactId
from shared.inbox.cursors import read_cursor
from shared.inbox.reading import MAX_FACT_BYTES, SQL
from shared.models.messages import Identity
from shared.models.views import ContextView, NewFact
from tests.integration.shop import Shop, files

pytest_plugins = ["tests.integration.shop_fixtures"]

FIRST = read_cursor(None, None)
NOON = datetime(2024, 5, 28, 12, tzinfo=UTC)


def add_interactions(shop: Shop, contact: UUID, moments: list[datetime]) -> list[UUID]:
    """Insert interactions past the application; return their ids, newest first as reads order them."""
    rows = [(shop.id, uuid.uuid4(), contact, "note", moment) for moment in moments]
    with psycopg.connect(shop.stack.postgres.dsn("hub")) as connection:
        connection.cursor().executemany(
            'INSERT INTO interactions (project_id, id, contact_id, type, "timestamp") VALUES (%s, %s, %s, %s, %s)', rows
        )
    return [row[1] for row in sorted(rows, key=lambda row: (row[4], row[1]), reverse=True)]


def add_facts(shop: Shop, contact: UUID, moments: list[datetime]) -> list[UUID]:
    rows = [(shop.id, uuid.uuid4(), contact, "note", Jsonb({}), "api", moment) for moment in moments]
    with psycopg.connect(shop.stack.postgres.dsn("hub")) as connection:
        connection.cursor().executemany(
            "INSERT INTO context_data (project_id, id, contact_id, context_type, data, origin, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
    return [row[1] for row in sorted(rows, key=lambda row: (row[6], row[1]), reverse=True)]


def merge(shop: Shop, contact: UUID, into: UUID) -> None:
    shop.rows("UPDATE contacts SET merged_into = %s WHERE project_id = %s AND id = %s", into, shop.id, contact)


async def context(shop: Shop, contact: UUID) -> ContextView:
    return await shop.hub.history.context(shop.id, ContactId(contact), FIRST, FIRST)


async def refused(call: Any) -> Rejected:
    with pytest.raises(Rejected) as raised:
        await call
    return raised.value


@pytest.mark.parametrize("limit", range(1, 11))
async def test_pages_neither_skip_nor_repeat_rows_of_one_moment(shop: Shop, limit: int) -> None:
    contact = await shop.contact()
    shop.rows("DELETE FROM messages WHERE project_id = %s", shop.id)
    shop.rows("DELETE FROM interactions WHERE project_id = %s", shop.id)
    moments = [NOON + timedelta(microseconds=at // 7) for at in range(25)]
    expected = add_interactions(shop, contact, moments), add_facts(shop, contact, moments)
    seen: tuple[list[UUID], list[UUID]] = ([], [])
    cursor, facts_cursor = None, None
    for _ in range(-(-25 // limit)):
        page, facts = read_cursor(cursor, str(limit)), read_cursor(facts_cursor, str(limit))
        view = await shop.hub.history.context(shop.id, contact, page, facts)
        seen[0].extend(each.id for each in view.interactions.items)
        seen[1].extend(each.id for each in view.facts.items)
        cursor, facts_cursor = view.interactions.next_cursor, view.facts.next_cursor
    assert seen == expected
    assert (cursor, facts_cursor) == (None, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_pages_of_contacts_neither_skip_nor_repeat(shop: Shop, limit: int) -> None:
    contacts = {await shop.contact() for _ in range(7)}
    shop.rows("UPDATE contacts SET last_interaction_at = %s WHERE project_id = %s", NOON, shop.id)
    shop.rows(
        "UPDATE contacts SET last_interaction_at = NULL, created_at = %s WHERE id = ANY(%s)", NOON, list(contacts)[:2]
    )
    seen: list[UUID] = []
    cursor = ""
    for _ in range(-(-7 // limit)):
        page = await shop.hub.history.contacts(shop.id, None, read_cursor(cursor, str(limit)))
        seen.extend(each.id for each in page.items)
        cursor = page.next_cursor or ""
    assert sorted(seen) == sorted(contacts)
    assert cursor == ""


async def test_a_row_that_comes_in_between_does_not_shift_the_pages(shop: Shop) -> None:
    contact = await shop.contact()
    shop.rows("UPDATE interactions SET timestamp = %s WHERE project_id = %s", NOON, shop.id)
    older = add_interactions(shop, contact, [NOON - timedelta(days=day) for day in range(1, 4)])
    first = await shop.hub.history.context(shop.id, contact, read_cursor(None, "2"), FIRST)
    add_interactions(shop, contact, [NOON + timedelta(days=1)])
    following = read_cursor(first.interactions.next_cursor, "2")
    second = await shop.hub.history.context(shop.id, contact, following, FIRST)
    assert [each.id for each in second.interactions.items] == older[1:]


@pytest.mark.parametrize("spelling", ["ada{}@example.com", "ADA{}@Example.COM", "  ada{}@EXAMPLE.com "])
async def test_a_contact_is_found_by_email_in_any_case(shop: Shop, spelling: str) -> None:
    name = uuid.uuid4().hex
    row = await shop.store(identities=(Identity("email", f"ada{name}@example.com"),))
    page = await shop.hub.history.contacts(shop.id, spelling.format(name), FIRST)
    assert [each.id for each in page.items] == [row["contact_id"]]
    assert page.next_cursor is None


@pytest.mark.parametrize("address", ["nobody@example.com", "", "\0", "\ud800"])
async def test_an_email_that_nobody_has_finds_nobody(shop: Shop, address: str) -> None:
    assert (await shop.hub.history.contacts(shop.id, address, FIRST)).items == []


async def test_a_merged_contact_resolves_to_the_one_it_was_merged_into(shop: Shop) -> None:
    kept, merged = await shop.store(), await shop.store()
    into, gone = ContactId(kept["contact_id"]), ContactId(merged["contact_id"])
    (address,) = (await shop.hub.history.contact(shop.id, gone)).identities
    merge(shop, gone, into)
    view = await context(shop, gone)
    by_email = await shop.hub.history.contacts(shop.id, address.value, FIRST)
    everyone = await shop.hub.history.contacts(shop.id, None, FIRST)
    assert view.contact.id == into
    assert {each.id for each in view.interactions.items} == {kept["id"], merged["id"]}
    assert address.value in {each.value for each in view.contact.identities}
    assert [each.id for each in by_email.items] == [into]
    assert [each.id for each in everyone.items] == [into]


async def test_pages_go_over_all_that_was_merged(shop: Shop) -> None:
    into, gone = await shop.contact(), await shop.contact()
    shop.rows("UPDATE interactions SET timestamp = %s WHERE project_id = %s", NOON, shop.id)
    for at, contact in enumerate((into, gone, gone, into, into)):
        add_interactions(shop, contact, [NOON - timedelta(days=at)])
    merge(shop, gone, into)
    seen: list[tuple[datetime, UUID]] = []
    cursor = None
    for _ in range(4):
        view = await shop.hub.history.context(shop.id, into, read_cursor(cursor, "2"), FIRST)
        seen.extend((each.timestamp, each.id) for each in view.interactions.items)
        cursor = view.interactions.next_cursor
    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)


async def test_a_contact_without_anything_has_an_empty_context(shop: Shop) -> None:
    document = shop.document(deleted=True)
    await shop.hub.sync.apply_changes([await shop.write(document)])
    view = await context(shop, UUID(document["contactId"]))
    assert (view.interactions.items, view.facts.items, view.contact.identities) == ([], [], [])


async def test_a_fact_is_kept_once_for_each_idempotency_key(shop: Shop) -> None:
    contact = await shop.contact()
    add, new = shop.hub.history.add_fact, NewFact(context_type="preference", data={"fact": "calls only"})
    first = await add(shop.id, contact, new, "key 1")
    again = await add(shop.id, contact, NewFact(context_type="other", data={"fact": "else"}), "key 1")
    other = await add(shop.id, contact, new, "key 2")
    keyless = [await add(shop.id, contact, new, None) for _ in range(2)]
    assert again == first
    assert len({first.id, other.id, *(each.id for each in keyless)}) == 4
    assert len((await context(shop, contact)).facts.items) == 4


async def test_one_key_means_different_facts_for_different_contacts(shop: Shop) -> None:
    new = NewFact(context_type="preference", data={"fact": "calls only"})
    facts = [await shop.hub.history.add_fact(shop.id, await shop.contact(), new, "key") for _ in range(2)]
    assert facts[0].id != facts[1].id


async def test_a_fact_about_another_contacts_interaction_is_refused(shop: Shop) -> None:
    contact, other = await shop.contact(), await shop.store()
    new = NewFact(context_type="support", data={"fact": "x"}, interaction_id=other["id"])
    error = await refused(shop.hub.history.add_fact(shop.id, contact, new, None))
    assert (error.status, error.field) == (422, "interactionId")
    assert (await context(shop, contact)).facts.items == []


async def test_a_fact_may_be_about_an_interaction_from_before_a_merge(shop: Shop) -> None:
    into, merged = await shop.contact(), await shop.store()
    merge(shop, merged["contact_id"], into)
    new = NewFact(context_type="support", data={"fact": "x"}, interaction_id=merged["id"])
    fact = await shop.hub.history.add_fact(shop.id, into, new, None)
    assert (fact.contact_id, fact.interaction_id) == (into, merged["id"])


@pytest.mark.parametrize("data", [{"a": "\0"}, {"a\0": 1}, {"a": "x" * MAX_FACT_BYTES}])
async def test_a_fact_that_cannot_be_stored_is_refused(shop: Shop, data: dict[str, Any]) -> None:
    new = NewFact(context_type="support", data=data)
    error = await refused(shop.hub.history.add_fact(shop.id, await shop.contact(), new, None))
    assert (error.status, error.field) == (422, "data")


async def test_a_fact_whose_type_holds_nul_is_refused(shop: Shop) -> None:
    new = NewFact(context_type="a\0", data={"a": 1})
    error = await refused(shop.hub.history.add_fact(shop.id, await shop.contact(), new, None))
    assert (error.status, error.field) == (422, "contextType")


async def test_a_fact_may_speak_of_escapes(shop: Shop) -> None:
    contact, data = await shop.contact(), {"fact": "the log says \\u0000 and \\\\u0000"}
    fact = await shop.hub.history.add_fact(shop.id, contact, NewFact(context_type="support", data=data), None)
    assert fact.data == data


async def test_another_projects_ids_are_not_found(shop: Shop, other_shop: Shop) -> None:
    row = await other_shop.store(attachments=files(b"x"))
    history, contact = shop.hub.history, ContactId(row["contact_id"])
    file = (await history.interaction(other_shop.id, row["id"])).attachments[0].id
    (address,) = (await history.contact(other_shop.id, contact)).identities
    new = NewFact(context_type="support", data={"fact": "x"})
    for call in (
        history.contact(shop.id, contact),
        history.context(shop.id, contact, FIRST, FIRST),
        history.add_fact(shop.id, contact, new, None),
        history.interaction(shop.id, row["id"]),
        history.file(shop.id, file),
    ):
        assert (await refused(call)).status == 404
    assert (await history.contacts(shop.id, None, FIRST)).items == []
    assert (await history.contacts(shop.id, address.value, FIRST)).items == []


async def test_a_file_comes_back_byte_by_byte(shop: Shop) -> None:
    raw = bytes(range(256)) * 300
    row = await shop.store(attachments=files(raw, b""))
    first, second = (await shop.hub.history.interaction(shop.id, row["id"])).attachments
    assert (await shop.hub.history.file(shop.id, first.id)).raw == raw
    assert (await shop.hub.history.file(shop.id, second.id)).raw == b""
    assert (first.filename, first.size_bytes, first.content_type) == ("0.png", len(raw), "image/png")
    assert first.url == f"/api/v1/attachments/{first.id}"


async def test_a_file_that_never_was_is_not_found(shop: Shop) -> None:
    assert (await refused(shop.hub.history.file(shop.id, uuid.uuid4()))).status == 404


async def test_a_page_of_a_long_history_is_read_from_the_index_without_sorting_it(shop: Shop) -> None:
    into, gone = await shop.contact(), await shop.contact()
    merge(shop, gone, into)
    for contact in (into, gone, *[await shop.contact() for _ in range(3)]):
        add_interactions(shop, contact, [NOON - timedelta(minutes=at) for at in range(2000)])
    shop.rows("ANALYZE interactions, contacts, messages")
    parameters = {"project_id": shop.id, "contact_id": into} | read_cursor(None, "20").parameters()
    query: Any = "EXPLAIN (ANALYZE, FORMAT JSON) " + SQL["list_interactions"]
    async with shop.hub.postgres.tenant(shop.id) as transaction:
        row = await transaction.one(query, **parameters)
    assert row is not None
    nodes = _nodes(row["QUERY PLAN"][0]["Plan"])
    scans = [node for node in nodes if node.get("Relation Name") == "interactions"]
    assert [(node["Node Type"], node["Index Name"]) for node in scans] == [("Index Scan", "interactions_of_contact")]
    assert all("Filter" not in node or node["Actual Rows"] <= 21 for node in scans)
    assert max(node["Actual Rows"] for node in nodes if "Sort" in node["Node Type"]) <= 42
    assert max(node["Actual Rows"] for node in nodes) <= 42


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]
