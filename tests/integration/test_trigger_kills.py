"""The trigger alone, its host killed at each step of a batch: the batch comes again whole, and is there once."""

import secrets
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from psycopg.rows import dict_row

from local.checkout import STATE
from local.stack.host import HostProcess
from local.stack.stack import Stack
from schema.demo_project import seed
from shared.failpoints import Name

NEVER = "0 0 0 29 2 *"
ALONE = {
    "LOCAL_HOST_FEED_POLL_SECONDS": "0.1",
    "LOCAL_HOST_LEASE_ACQUIRE_SECONDS": "0.3",
    "LOCAL_HOST_LEASE_RENEW_SECONDS": "0.3",
    "LOCAL_HOST_LEASE_EXPIRY_SECONDS": "1",
    "SWEEP_CHANGES_SCHEDULE": NEVER,
    "RECONCILE_STORES_SCHEDULE": NEVER,
}
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Place:
    """A stack with nobody in it but the trigger."""

    stack: Stack
    host: HostProcess
    project: str
    documents: ContainerProxy
    leases: ContainerProxy

    def write(self) -> list[str]:
        """Write two documents and a poisoned one at once; return their ids, the poison's last."""
        contact = str(uuid.uuid4())
        batch = [self._document(contact, content) for content in ("called", "called again", "a\0b")]
        self.documents.execute_item_batch([("create", (each,)) for each in batch], partition_key=contact)
        return [each["id"] for each in batch]

    def rows(self, ids: list[str]) -> dict[str, str]:
        """The content of each row, with the transaction that wrote it."""
        found = self._all("SELECT id, content, xmin::text AS by FROM interactions WHERE id = ANY(%s::uuid[])", ids)
        return {str(row["id"]): f"{row['content']} by {row['by']}" for row in found}

    def letters(self, identifier: str) -> int:
        return len(self._all("SELECT 1 FROM dead_letters WHERE payload->>'id' = %s", identifier))

    def checkpoint(self) -> list[object]:
        return [each["continuation"] for each in self.leases.read_all_items() if "continuation" in each]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _document(self, contact: str, content: str) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()),
            "contactId": contact,
            "projectId": self.project,
            "type": "note",
            "timestamp": "2024-05-28T10:20:30Z",
            "content": content,
        }

    def _all(self, query: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.stack.postgres.dsn("hub"), row_factory=dict_row) as connection:
            return connection.execute(query.encode(), values).fetchall()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A stack of this file alone, its host not started."""
    with ExitStack() as opened:
        state = STATE / f"test-{secrets.token_hex(4)}"
        stack = Stack(state, in_memory=True)
        opened.callback(shutil.rmtree, state)
        stack.start()
        opened.callback(stack.stop)
        project = seed(stack.owner_dsn(), stack.settings)
        host = HostProcess(stack, settings=ALONE)
        opened.callback(host.stop)
        client = opened.enter_context(CosmosClient.from_connection_string(stack.settings["HubCosmos"]))
        containers = map(client.get_database_client("hub").get_container_client, ("interactions", "leases"))
        yield Place(stack, host, str(project.id), *containers)


@pytest.mark.parametrize(
    ("step", "applied"),
    [("sync.rows_written", False), ("sync.committing", False), ("sync.committed", True)],
)
def test_a_batch_whose_host_is_killed_comes_again_and_is_there_once(place: Place, step: Name, *, applied: bool) -> None:
    place.host.start(env={"FAILPOINTS": f"{step}=kill"})
    place.until(lambda: bool(place.checkpoint()))
    before, ids = place.checkpoint(), place.write()
    assert place.host.wait_dead(seconds=PATIENCE_SECONDS) == -signal.SIGKILL
    left = place.rows(ids)
    assert (len(left), place.letters(ids[-1])) == ((2, 1) if applied else (0, 0))
    assert place.checkpoint() == before

    place.host.start()
    place.until(lambda: place.checkpoint() != before)
    rows = place.rows(ids)
    assert {each: text.partition(" by ")[0] for each, text in rows.items()} == dict(
        zip(ids[:2], ("called", "called again"), strict=True)
    )
    assert left.items() <= rows.items()
    assert place.letters(ids[-1]) == 1
    place.host.stop()
