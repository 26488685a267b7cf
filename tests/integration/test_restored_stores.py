"""Both stores taken back to one moment, as docs/deploy.md says: raw bodies bring back what came after it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from azure.cosmos import CosmosClient
from azure.storage.blob import BlobServiceClient
from psycopg import sql

from shared.ingestion.raw import hour_of
from shared.ingestion.sweep import POSITION
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from tests.integration.tenant import Tenant, file, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]

TABLES = """
SELECT c.table_name, array_agg(c.column_name::text) FILTER (WHERE c.is_generated = 'NEVER')
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
GROUP BY c.table_name HAVING bool_or(c.column_name = 'project_id')
"""


@dataclass(frozen=True)
class Moment:
    """What a project has in both stores."""

    rows: dict[str, tuple[list[str], str]]
    documents: set[str]


@contextmanager
def superuser(tenant: Tenant) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    with psycopg.connect(tenant.stack.postgres.dsn("hub")) as connection:
        connection.execute("SET session_replication_role = replica")  # no foreign key is looked at
        yield connection


def moment(tenant: Tenant) -> Moment:
    rows = {}
    with superuser(tenant) as connection:
        for table, columns in connection.execute(TABLES).fetchall():
            query = sql.SQL("SELECT coalesce(json_agg(t), '[]')::text FROM {} t WHERE project_id = %s")
            kept = connection.execute(query.format(sql.Identifier(table)), [tenant.id]).fetchone()
            assert kept is not None
            rows[table] = (columns, kept[0])
    return Moment(rows, {each["id"] for each in tenant.documents()})


def go_back(tenant: Tenant, to: Moment) -> None:
    """What restoring both stores does to a project."""
    with superuser(tenant) as connection:
        for table, (columns, kept) in to.rows.items():
            name, names = sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            connection.execute(sql.SQL("DELETE FROM {} WHERE project_id = %s").format(name), [tenant.id])
            put = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM json_populate_recordset(NULL::{}, %s)")
            connection.execute(put.format(name, names, names, name), [kept])
    with CosmosClient.from_connection_string(tenant.stack.settings["HubCosmos"]) as client:
        container = client.get_database_client("hub").get_container_client("interactions")
        for each in tenant.documents():
            if each["id"] not in to.documents:
                container.delete_item(each["id"], partition_key=each["contactId"])


def history(tenant: Tenant) -> list[dict[str, Any]]:
    """Every interaction with its message and its files, without what is drawn or counted: contacts and times."""
    query = (
        "SELECT i.id, i.content, i.timestamp, i.direction, i.subject, m.id AS message, m.sender,"
        " array(SELECT a.id || a.sha256 FROM attachments a WHERE a.message_id = m.id) AS files"
        " FROM interactions i JOIN messages m ON m.interaction_id = i.id WHERE i.project_id = %s ORDER BY i.id"
    )
    return tenant.rows(query, tenant.id)


@pytest.fixture(autouse=True)
def fresh_start(tenant: Tenant) -> None:
    """Forget what earlier tests left to be swept."""
    with BlobServiceClient.from_connection_string(tenant.stack.settings["HubStorage"]) as client:
        container = client.get_container_client(BlobContainer.INBOUND.value)
        for name in list(container.list_blob_names()):
            container.delete_blob(name)


@pytest.fixture
def a_day_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


async def test_what_came_after_the_moment_is_stored_again_under_the_ids_it_had(
    tenant: Tenant, a_day_ago: datetime
) -> None:
    known = mail(sender="Ada <ada@example.com>")
    await tenant.deliver("email", known, received_at=a_day_ago)
    before = moment(tenant)
    tenant.rows(
        "INSERT INTO sync_positions (name, position) VALUES (%s, %s)"
        " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        POSITION,
        hour_of(a_day_ago),
    )
    later = mail(sender="Ada <ada@example.com>", attachments=[file(b"a picture")])
    for message in (later, mail(sender="Someone <new@example.com>")):
        await tenant.deliver("email", message, received_at=a_day_ago + timedelta(hours=1))
    had = history(tenant)
    go_back(tenant, before)
    assert len(history(tenant)) == 1

    tenant.empty_queues()
    await tenant.services(SWEEP_AFTER_SECONDS="0.001").sweep.sweep()
    for work in tenant.take(QueueName.INBOUND):
        await tenant.hub.store.store(DeliveryWork.model_validate(work))

    assert json.dumps(history(tenant), default=str) == json.dumps(had, default=str)
    people = {str(row["id"]): str(row["contact_id"]) for row in tenant.rows("SELECT id, contact_id FROM interactions")}
    assert {each["id"]: each["contactId"] for each in tenant.documents()} == {
        each["id"]: people[each["id"]] for each in tenant.documents()
    }
    assert len(tenant.documents()) == 3
    assert tenant.count("contacts") == 2
