"""One project on the running stack, with the application's parts, as its sender, worker and auditor see it."""

import asyncio
import base64
import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from azure.cosmos import CosmosClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, TextBase64DecodePolicy
from psycopg.rows import dict_row

from local.stack.stack import Stack
from schema.demo_project import SeededProject
from shared.identifiers import ProjectId, SourceId, delivery_id
from shared.ingestion.provider import WebhookRequest
from shared.ingestion.raw import RawName, hour_of, to_metadata
from shared.ingestion.standard_webhooks import sign
from shared.models.messages import Channel
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from shared.services import Services


@dataclass
class Tenant:
    """A project, its two sources and the application's parts."""

    stack: Stack
    project: SeededProject
    hub: Services
    services: Callable[..., Services]  # the parts again, with other settings or another clock

    @property
    def id(self) -> ProjectId:
        return self.project.id

    def source(self, channel: Channel) -> UUID:
        return self.project.sources[channel].id

    def request(self, channel: Channel, body: bytes | dict[str, Any], **changed: str) -> WebhookRequest:
        """Return a signed call; `changed` overrides headers (underscores for hyphens) after signing."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = signed(self.project.sources[channel].secret, raw)
        return WebhookRequest(headers | {name.replace("_", "-"): value for name, value in changed.items()}, {}, raw)

    async def receive(self, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
        """Send a webhook to ingest alone, and return what its sender is told."""
        answer = await self.hub.ingest.receive(channel, str(self.source(channel)), self.request(channel, body))
        return cast("dict[str, Any]", json.loads(answer.body))

    async def keep(
        self, channel: Channel, body: bytes | dict[str, Any], *, received_at: datetime | None = None
    ) -> DeliveryWork:
        """Write a raw body as ingest does, and return the work that ingest would enqueue."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        at, key = received_at or datetime.now(UTC), secrets.token_hex(8)
        delivery = delivery_id(self.id, SourceId(self.source(channel)), key)
        name = str(RawName(hour_of(at), self.id, self.source(channel), delivery))
        metadata = to_metadata(at, key)
        await self.hub.blobs.put_new(BlobContainer.INBOUND, name, raw, content_type="", metadata=metadata)
        return DeliveryWork(project_id=self.id, source_id=self.source(channel), delivery_id=delivery, blob=name)

    async def deliver(self, channel: Channel, body: bytes | dict[str, Any], **at: datetime) -> dict[str, Any]:
        """Keep and store a message, and return its interaction's row."""
        work = await self.keep(channel, body, **at)
        await self.hub.store.store(work)
        found = self.one(
            "SELECT i.* FROM interactions i JOIN delivery_messages d ON d.interaction_id = i.id"
            " WHERE d.delivery_id = %s",
            work.delivery_id,
        )
        assert found, self.delivery(work)
        return found

    def delivery(self, work: DeliveryWork) -> dict[str, Any] | None:
        """Return the row of a delivery."""
        return self.one("SELECT state, reason, next_look_at FROM deliveries WHERE id = %s", work.delivery_id)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the project's dead letters."""
        return self.rows("SELECT stage, reason, payload, seen FROM dead_letters WHERE project_id = %s", self.id)

    def count(self, table: str) -> int:
        """Return how many rows of the project a table has."""
        return len(self.rows(f"SELECT 1 FROM {table} WHERE project_id = %s", self.id))

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Read Postgres as the administrator, past row-level security."""
        with psycopg.connect(self.stack.postgres.dsn("hub"), row_factory=dict_row) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: object) -> dict[str, Any] | None:
        """Return the first row."""
        found = self.rows(query, *values)
        return found[0] if found else None

    def documents(self) -> list[dict[str, Any]]:
        """Return every document of the project."""
        with CosmosClient.from_connection_string(self.stack.settings["HubCosmos"]) as client:
            container = client.get_database_client("hub").get_container_client("interactions")
            query = "SELECT * FROM c WHERE c.projectId = @project"
            parameters: list[dict[str, object]] = [{"name": "@project", "value": str(self.id)}]
            return list(container.query_items(query, parameters=parameters, enable_cross_partition_query=True))

    def document(self, interaction: UUID) -> dict[str, Any]:
        """Return the one document of an interaction."""
        (found,) = (document for document in self.documents() if document["id"] == str(interaction))
        return found

    def blobs(self, container: BlobContainer) -> list[str]:
        """Return the names of the project's blobs."""
        with BlobServiceClient.from_connection_string(self.stack.settings["HubStorage"]) as client:
            names = client.get_container_client(container.value).list_blob_names()
            return [name for name in names if str(self.id) in name]

    def queue(self, name: str) -> QueueClient:
        """Return a queue's client."""
        decode = TextBase64DecodePolicy()
        return QueueClient.from_connection_string(self.stack.settings["HubStorage"], name, message_decode_policy=decode)

    def take(self, queue: QueueName) -> list[dict[str, Any]]:
        """Take every visible message off a queue, and return those of the project."""
        with self.queue(queue.value) as client:
            works = []
            for message in client.receive_messages(messages_per_page=32, visibility_timeout=60):
                works.append(json.loads(message.content))
                client.delete_message(message)
        return [work for work in works if work.get("project_id") == str(self.id)]

    async def done_or_waiting(self, task: "asyncio.Task[None]") -> None:
        """Wait until a task is done, or a transaction waits for another one's lock."""
        while not task.done() and not self.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 # Postgres tells nobody
            await asyncio.sleep(0.05)

    def empty_queues(self) -> None:
        """Take every message off every queue."""
        for queue in QueueName:
            with self.queue(queue.value) as client:
                client.clear_messages()


def signed(secret: str, raw: bytes, *, identifier: str | None = None, at: float | None = None) -> dict[str, str]:
    """Return the headers of a Standard Webhooks call."""
    identifier, moment = identifier or f"msg_{uuid.uuid4().hex}", str(int(at or time.time()))
    signature = sign(secret, f"{identifier}.{moment}.".encode() + raw).decode()
    return {
        "content-type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
    }


def mail(**changed: Any) -> dict[str, Any]:
    """Return a mail of someone new, with a Message-ID of its own; `sender` is `from`."""
    name = secrets.token_hex(4)
    if "sender" in changed:
        changed["from"] = changed.pop("sender")
    return {
        "from": f"Ada {name} <{name}@example.com>",
        "to": ["shop@example.org"],
        "subject": "My clock",
        "text": "Hello, I would like to have my grandfather's clock appraised. Thank you, Ada",
        "messageId": f"<{name}@example.com>",
        "sentAt": datetime.now(UTC).isoformat(),
    } | changed


def chat(**changed: Any) -> dict[str, Any]:
    """Return a chat message of someone new, without an address."""
    name = secrets.token_hex(4)
    return {
        "clientId": f"widget-{name}",
        "conversationId": f"c-{name}",
        "messageId": f"m-{name}",
        "content": "Where is my order #A-1001?",
        "sentAt": datetime.now(UTC).isoformat(),
    } | changed


def file(raw: bytes, name: str = "clock.png", content_type: str = "image/png") -> dict[str, str]:
    """Return an attachment as the wire has it."""
    return {"filename": name, "contentType": content_type, "contentBase64": base64.b64encode(raw).decode()}
