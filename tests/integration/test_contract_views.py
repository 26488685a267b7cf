"""The data contracts, field by field, against the database: names, kinds of types, and a stored mail."""

import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from shared.identifiers import ContactId
from shared.models.messages import Identity
from shared.models.views import NewFact
from shared.models.work import MessageWork
from shared.stores.postgres import Row
from tests.integration.shop import Shop, files

pytest_plugins = ["tests.integration.shop_fixtures"]

FAMILIES = {
    "uuid": "uuid",
    "text": "text",
    "character varying": "text",
    "timestamp with time zone": "time",
    "timestamp without time zone": "time",
    "jsonb": "json",
    "json": "json",
    "integer": "number",
    "bigint": "number",
    "numeric": "number",
    "date": "time",
    "inet": "address",
}
# Copied by hand from the contracts, in their order.
INTERACTION_CONTRACT = {
    "id": "uuid",
    "agentId": "uuid",
    "contactId": "uuid",
    "organizationId": "uuid",
    "type": "text",
    "content": "text",
    "timestamp": "time",
    "metadata": "json",
}
CUSTOMER_CONTRACT = {
    "customers": {
        "id": "uuid",
        "email": "text",
        "name": "text",
        "created_at": "time",
        "last_interaction_at": "time",
    },
    "customer_interactions": {
        "id": "uuid",
        "customer_id": "uuid",
        "channel": "text",
        "conversation_id": "uuid",
        "created_at": "time",
    },
    "messages": {
        "id": "uuid",
        "interaction_id": "uuid",
        "direction": "text",
        "content": "text",
        "content_type": "text",
        "processed_content": "json",
        "created_at": "time",
    },
    "attachments": {
        "id": "uuid",
        "message_id": "uuid",
        "type": "text",
        "url": "text",
        "analysis": "json",
        "created_at": "time",
    },
    "context_data": {
        "id": "uuid",
        "customer_id": "uuid",
        "interaction_id": "uuid",
        "context_type": "text",
        "data": "json",
        "created_at": "time",
    },
    "ai_analysis": {
        "id": "uuid",
        "message_id": "uuid",
        "classification": "json",
        "sentiment": "json",
        "entities": "json",
        "created_at": "time",
    },
}
AI_INTERACTION_CONTRACT = {
    "id": "uuid",
    "timestamp": "time",
    "request": "json",
    "response": "json",
    "latency_ms": "number",
    "error_code": "text",
    "error_message": "text",
    "model_name": "text",
    "user_id": "uuid",
    "file_metadata": "json",
    "status": "text",
    "prompt_hash": "text",
    "ip_address": "address",
}
CONTRACTS = {
    "interactions": INTERACTION_CONTRACT,
    **CUSTOMER_CONTRACT,
    "ai_interactions": AI_INTERACTION_CONTRACT,
}
TENANT = {"interactions": "projectId"}


def columns(shop: Shop, schema: str, relation: str) -> dict[str, str]:
    rows = shop.rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        " ORDER BY ordinal_position",
        *(schema, relation),
    )
    return {row["column_name"]: FAMILIES[row["data_type"]] for row in rows}


async def look(shop: Shop, view: str) -> list[dict[str, Any]]:
    """Read a view as the application does, for this project."""
    query: Any = f'SELECT * FROM contracts."{view}"'
    async with shop.hub.postgres.tenant(shop.id) as transaction:
        return await transaction.all(query)


async def understood(shop: Shop, **changed: Any) -> tuple[Row, Row]:
    """Store a mail with a file, analyse it and add a fact; return its interaction and its message."""
    row = await shop.store(attachments=files(b"png"), **changed)
    message = shop.one("SELECT * FROM messages WHERE interaction_id = %s", row["id"])
    work = MessageWork(project_id=shop.id, interaction_id=row["id"], message_id=message["id"])
    await shop.hub.message_analyst.analyze(work)
    fact = NewFact(context_type="preference", data={"fact": "mornings"}, interaction_id=row["id"])
    await shop.hub.history.add_fact(shop.id, ContactId(row["contact_id"]), fact, None)
    return row, message


@pytest.mark.parametrize("view", CONTRACTS)
def test_a_view_has_every_field_of_its_contract(shop: Shop, view: str) -> None:
    tenant = {TENANT.get(view, "project_id"): "uuid"}
    assert columns(shop, "contracts", view) == CONTRACTS[view] | tenant


def test_the_log_of_ai_interactions_has_the_contracts_columns_and_more(shop: Shop) -> None:
    more = {"project_id": "uuid", "purpose": "text", "interaction_id": "uuid", "message_id": "uuid"}
    found = columns(shop, "public", "ai_interactions")
    assert {name: kind for name, kind in found.items() if name in AI_INTERACTION_CONTRACT} == AI_INTERACTION_CONTRACT
    assert more.items() <= found.items()


def test_the_log_of_ai_interactions_requires_and_fills_in_what_the_contract_says(shop: Shop) -> None:
    rows = shop.rows(
        "SELECT column_name, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = 'ai_interactions'"
    )
    required = {row["column_name"] for row in rows if row["is_nullable"] == "NO"}
    defaults = {row["column_name"]: row["column_default"] for row in rows if row["column_default"]}
    assert required & AI_INTERACTION_CONTRACT.keys() == {"id", "timestamp", "request", "status"}
    assert defaults == {"id": "gen_random_uuid()", "timestamp": "now()", "status": "'success'::text"}


async def test_a_stored_mail_shows_in_the_interaction_contract(shop: Shop) -> None:
    row, _ = await understood(shop, content="It stopped.", sent_at=datetime.now(UTC))
    (shown,) = await look(shop, "interactions")
    system_user = shop.one("SELECT system_user_id FROM projects WHERE id = %s", shop.id)["system_user_id"]
    assert shown == {
        "id": row["id"],
        "agentId": system_user,
        "contactId": row["contact_id"],
        "organizationId": None,
        "type": "email",
        "content": "It stopped.",
        "timestamp": row["timestamp"],
        "metadata": {},
        "projectId": shop.id,
    }


async def test_a_stored_mail_shows_in_the_customer_contract(shop: Shop) -> None:
    address = f"{uuid.uuid4().hex}@example.com"
    row, message = await understood(shop, identities=(Identity("email", address),), display_name="Ada Lovelace")
    (customer,) = await look(shop, "customers")
    (interaction,) = await look(shop, "customer_interactions")
    (said,) = await look(shop, "messages")
    (attachment,) = await look(shop, "attachments")
    assert (customer["id"], customer["email"], customer["name"]) == (row["contact_id"], address, "Ada Lovelace")
    assert customer["last_interaction_at"] == row["timestamp"]
    assert (interaction["id"], interaction["customer_id"]) == (row["id"], row["contact_id"])
    assert interaction["channel"] == "email"
    assert interaction["conversation_id"] is not None
    assert (said["interaction_id"], said["direction"], said["content_type"]) == (row["id"], "incoming", "text")
    assert said["content"] == message["content"] == "It stopped.\n> It ticks."
    assert said["processed_content"]["classification"]["language"]
    assert (attachment["message_id"], attachment["type"]) == (message["id"], "image")
    assert attachment["url"] == f"/api/v1/attachments/{attachment['id']}"


async def test_what_was_understood_shows_in_the_customer_contract(shop: Shop) -> None:
    row, message = await understood(shop)
    (analysis,) = await look(shop, "ai_analysis")
    facts = await look(shop, "context_data")
    assert analysis["message_id"] == message["id"]
    assert analysis["classification"].keys() == {"intent", "category", "priority", "language"}
    assert analysis["sentiment"].keys() == {"label", "score"}
    assert isinstance(analysis["entities"], list)
    assert {(fact["customer_id"], fact["interaction_id"]) for fact in facts} == {(row["contact_id"], row["id"])}
    assert ("preference", {"fact": "mornings"}) in [(fact["context_type"], fact["data"]) for fact in facts]


async def test_an_answer_of_ours_is_outgoing(shop: Shop) -> None:
    await shop.store(direction="outbound")
    (said,) = await look(shop, "messages")
    assert said["direction"] == "outgoing"


async def test_model_calls_show_in_their_contract(shop: Shop) -> None:
    await understood(shop)
    calls = await look(shop, "ai_interactions")
    assert calls
    for call in calls:
        assert call["status"] == "success"
        assert call["latency_ms"] >= 0
        assert call["model_name"]
        assert len(call["prompt_hash"]) == 64
        assert "It stopped." in str(call["request"])
        assert call["response"]


@pytest.mark.parametrize("view", CONTRACTS)
async def test_a_view_shows_one_project_at_a_time(shop: Shop, other_shop: Shop, view: str) -> None:
    for each in (shop, other_shop):
        await understood(each)
    column = TENANT.get(view, "project_id")
    for each in (shop, other_shop):
        assert {row[column] for row in await look(each, view)} == {each.id}


@pytest.mark.parametrize("view", CONTRACTS)
def test_a_view_shows_nothing_without_a_tenant(shop: Shop, view: str) -> None:
    with psycopg.connect(shop.stack.settings["POSTGRES_DSN"], row_factory=dict_row) as connection:
        assert connection.execute(f'SELECT * FROM contracts."{view}"'.encode()).fetchall() == []
