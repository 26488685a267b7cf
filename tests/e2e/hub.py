"""The running hub as the end-to-end tests see it."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp
import psycopg
from azure.cosmos import CosmosClient
from psycopg.rows import dict_row

from local.stack.host import HostProcess
from local.stack.stack import Stack
from schema.demo_project import SeededProject

Found = TypeVar("Found")

# Host time runs tenfold: every wait of the hub and of the host is a tenth of what it is in production or less.
SHORT = {
    "RETRY_BASE_SECONDS": "1",
    "RETRY_MAX_SECONDS": "2",
    "SWEEP_AFTER_SECONDS": "1",
    "SWEEP_INBOUND_SCHEDULE": "* * * * * *",
    "SOURCE_CACHE_SECONDS": "0",
    "DEAD_LETTER_LIMIT": "1000000",
    "LOCAL_HOST_QUEUE_LEASE_SECONDS": "2",
    "LOCAL_HOST_QUEUE_POLL_SECONDS": "0.1",
    "LOCAL_HOST_FEED_POLL_SECONDS": "0.2",
    "LOCAL_HOST_LEASE_ACQUIRE_SECONDS": "0.5",
    "LOCAL_HOST_LEASE_RENEW_SECONDS": "0.5",
    "LOCAL_HOST_LEASE_EXPIRY_SECONDS": "2",
}
PATIENCE_SECONDS = 90
MINUTE_OF_HOST_TIME = 6


@dataclass
class Answer:
    """What an HTTP call got."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Hub:
    """The running hub as one project's sender, reader and auditor see it."""

    stack: Stack
    host: HostProcess
    project: SeededProject
    session: aiohttp.ClientSession = field(repr=False)

    async def post(self, channel: str, message: dict[str, Any], **changed: str) -> Answer:
        """Send a webhook, signed; `changed` overrides headers (underscores for hyphens) after signing."""
        source = self.project.sources[channel]  # type: ignore[index] # the tests' own channels
        raw = json.dumps(message).encode()
        headers = sign(source.secret, raw) | {name.replace("_", "-"): value for name, value in changed.items()}
        async with self.session.post(self.host.base_url + source.path, data=raw, headers=headers) as response:
            return await _answer(response)

    async def get(self, path: str, *, project: uuid.UUID | None = None) -> Answer:
        """Read as a trusted backend acting for `project`, the hub's own when not given."""
        headers = {"x-functions-key": self.host.key, "x-project-id": str(project or self.project.id)}
        async with self.session.get(f"{self.host.base_url}/api/v1/{path}", headers=headers) as response:
            return await _answer(response)

    async def analysed(self, interaction: str) -> dict[str, Any]:
        """Wait until an interaction is stored, analysed and confirmed by Cosmos DB; return it."""

        async def ready() -> dict[str, Any] | None:
            answer = await self.get(f"interactions/{interaction}")
            version = self.one("SELECT source_version FROM interactions WHERE id = %s", interaction)
            synced = version is not None and version["source_version"] > 0
            return answer.body if answer.status == 200 and answer.body["analysis"] and synced else None

        return await until(ready)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Read Postgres as the administrator, past row-level security."""
        with psycopg.connect(self.stack.postgres.dsn("hub"), row_factory=dict_row) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def one(self, query: str, *values: object) -> dict[str, Any] | None:
        """Return the first row."""
        found = self.rows(query, *values)
        return found[0] if found else None

    def documents(self, interaction: str) -> list[dict[str, Any]]:
        """Return every document with this id, of whatever contact."""
        with CosmosClient.from_connection_string(self.stack.settings["HubCosmos"]) as client:
            container = client.get_database_client("hub").get_container_client("interactions")
            query = "SELECT * FROM c WHERE c.id = @id"
            parameters: list[dict[str, object]] = [{"name": "@id", "value": interaction}]
            return list(container.query_items(query, parameters=parameters, enable_cross_partition_query=True))

    def restart(self, failpoints: str = "") -> None:
        """Restart the host, armed with failpoints or with none."""
        self.host.restart(env={"FAILPOINTS": failpoints})


async def until(check: Callable[[], Awaitable[Found | None]]) -> Found:
    """Wait until `check` returns something true and return it; fails when nothing comes of waiting."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = await check()
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"nothing came of {PATIENCE_SECONDS} s of waiting")


def sign(secret: str, raw: bytes, *, identifier: str | None = None, at: float | None = None) -> dict[str, str]:
    """Return the headers of a Standard Webhooks call."""
    identifier, moment = identifier or f"msg_{uuid.uuid4().hex}", str(int(at or time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identifier}.{moment}.".encode() + raw, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    names = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")
    return dict(zip(names, ("application/json", identifier, moment, signature), strict=True))


def mail(**changed: Any) -> dict[str, Any]:
    """Return a mail of someone new, with a Message-ID of its own."""
    name = secrets.token_hex(4)
    return {
        "from": f"Ada {name} <{name}@example.com>",
        "to": ["shop@example.org"],
        "subject": "My clock",
        "text": "Hello, I would like to have my grandfather's clock appraised. Thank you, Ada",
        "messageId": f"<{name}@example.com>",
        "sentAt": datetime.now(UTC).isoformat(),
    } | changed


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    body = await response.json(content_type=None)
    return Answer(response.status, body or {}, {name.lower(): value for name, value in response.headers.items()})
