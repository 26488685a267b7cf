"""Through the host: what any other service writes to Cosmos DB comes to Postgres by the change feed."""

import secrets
import shutil
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from psycopg.rows import dict_row

from local.checkout import STATE
from local.stack.host import HostProcess
from local.stack.stack import Stack
from schema.demo_project import SeededProject, seed

SHORT = {
    "LOCAL_HOST_FEED_POLL_SECONDS": "0.1",
    "LOCAL_HOST_LEASE_ACQUIRE_SECONDS": "0.5",
    "LOCAL_HOST_LEASE_RENEW_SECONDS": "0.5",
    "LOCAL_HOST_LEASE_EXPIRY_SECONDS": "2",
}
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Stack, SeededProject]]:
    """A stack and a host of this file alone, so that the feed brings nothing of other tests."""
    state = STATE / f"test-{secrets.token_hex(4)}"
    stack = Stack(state, in_memory=True)
    stack.start()
    project = seed(stack.owner_dsn(), stack.settings)
    host = HostProcess(stack, settings=SHORT)
    host.start()
    yield stack, project
    host.stop()
    stack.stop()
    shutil.rmtree(state)


@pytest.fixture(scope="module")
def container(running: tuple[Stack, SeededProject]) -> Iterator[ContainerProxy]:
    with CosmosClient.from_connection_string(running[0].settings["HubCosmos"]) as client:
        yield client.get_database_client("hub").get_container_client("interactions")


def document(project: SeededProject, **changed: Any) -> dict[str, Any]:
    """A document as the contract's example has it, with the project that owns it."""
    return {
        "id": str(uuid.uuid4()),
        "agentId": str(uuid.uuid4()),
        "contactId": str(uuid.uuid4()),
        "organizationId": str(project.id),
        "type": "call",
        "timestamp": "2024-05-28T10:20:30Z",
        "content": "called about the clock",
        "metadata": {"source": "AI", "confidence": "high"},
        "embedding": [0.123, 0.456],
        "embeddingModel": "openai-ada-002",
        "embeddingDate": "2024-05-28T10:20:30Z",
        "tags": ["AI", "RAG", "lead"],
    } | changed


def wait_for(stack: Stack, query: str, *values: object) -> dict[str, Any]:
    """Return the first row of a query once there is one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(stack.postgres.dsn("hub"), autocommit=True, row_factory=dict_row) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(query.encode(), values).fetchone()
            if row:
                return row
            time.sleep(0.1)
    raise AssertionError(f"no row in {PATIENCE_SECONDS} s")


def test_a_document_of_another_service_comes_to_postgres_and_so_do_its_changes(
    running: tuple[Stack, SeededProject], container: ContainerProxy
) -> None:
    stack, project = running
    written = document(project)
    container.create_item(written)
    row = wait_for(stack, "SELECT * FROM interactions WHERE id = %s", written["id"])
    assert row["project_id"] == project.id
    assert str(row["contact_id"]) == written["contactId"]
    assert (row["type"], row["content"], row["metadata"]) == ("call", written["content"], written["metadata"])
    container.upsert_item(written | {"content": "called again"})
    wait_for(stack, "SELECT 1 FROM interactions WHERE id = %s AND content = 'called again'", written["id"])
    container.upsert_item(written | {"content": "", "deleted": True, "ttl": 60})
    wait_for(stack, "SELECT 1 FROM interactions WHERE id = %s AND deleted_at IS NOT NULL", written["id"])


def test_a_poisoned_document_does_not_hold_up_those_behind_it(
    running: tuple[Stack, SeededProject], container: ContainerProxy
) -> None:
    stack, project = running
    poison, good = document(project, content="a\0b"), document(project)
    container.create_item(poison)
    container.create_item(good)
    wait_for(stack, "SELECT 1 FROM interactions WHERE id = %s", good["id"])
    letter = wait_for(stack, "SELECT * FROM dead_letters WHERE payload->>'id' = %s", poison["id"])
    assert (letter["stage"], letter["reason"]) == ("sync_interactions", "content: must not hold NUL")
