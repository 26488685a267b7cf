"""One project on the real stores, with what the tests of storing, syncing and reading do to it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from azure.cosmos.aio import ContainerProxy
from psycopg.rows import dict_row

from local.stack.stack import Stack
from schema.demo_project import SeededProject
from shared.identifiers import ContactId, ProjectId, SourceId, interaction_id, message_id
from shared.inbox.attachments import keep_attachments
from shared.inbox.history import Arrival, record_arrival
from shared.models.documents import iso, new_document
from shared.models.messages import Identity, IncomingAttachment, IncomingMessage, Thread
from shared.services import Services
from shared.stores.postgres import Row

Document = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """A project, the application's parts, and the administrator's view past row-level security."""

    stack: Stack
    hub: Services
    project: SeededProject

    @property
    def id(self) -> ProjectId:
        return self.project.id

    @property
    def container(self) -> ContainerProxy:
        """The documents as any other service writes them."""
        return self.hub.documents._container()

    def rows(self, query: str, *values: object) -> list[Row]:
        with psycopg.connect(self.stack.postgres.dsn("hub"), row_factory=dict_row) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: object) -> Row:
        (row,) = self.rows(query, *values)
        return row

    def interaction(self, identifier: object) -> Row:
        return self.one("SELECT * FROM interactions WHERE project_id = %s AND id = %s", self.id, identifier)

    def dead_letters(self, identifier: object) -> list[Row]:
        """Everything dead about a document, whoever's."""
        return self.rows("SELECT * FROM dead_letters WHERE payload->>'id' = %s ORDER BY reason", str(identifier))

    def document(self, **changed: Any) -> Document:
        """A document as another service would write it, of a contact of its own."""
        return {
            "id": str(uuid.uuid4()),
            "agentId": None,
            "contactId": str(uuid.uuid4()),
            "organizationId": None,
            "type": "note",
            "timestamp": iso(datetime.now(UTC)),
            "content": "called back",
            "metadata": {"source": "crm"},
            "tags": ["lead"],
            "projectId": str(self.id),
            "deleted": False,
        } | changed

    async def write(self, document: Document) -> Document:
        """Write as another service does: over whatever is there, and return what Cosmos DB made of it."""
        return dict(await self.container.upsert_item(document))

    async def store(self, *, publish: bool = True, **changed: Any) -> Row:
        """Store a mail as store_message does; `publish` writes its document too. Returns the interaction's row."""
        message = mail(**changed)
        interaction = interaction_id(self.id, SourceId(self.project.sources["email"].id), message.key)
        arrival = Arrival(
            project_id=self.id,
            source_id=SourceId(self.project.sources["email"].id),
            agent_id=None,
            interaction_id=interaction,
            message_id=message_id(self.id, interaction),
            message=message,
            received_at=datetime.now(UTC),
        )
        files = await keep_attachments(self.hub.blobs, self.id, arrival.message_id, message.attachments)
        async with self.hub.postgres.tenant(self.id) as transaction:
            committed = await record_arrival(transaction, arrival, files)
        if publish:
            await self.hub.documents.create(new_document(committed, version=1))
        return committed

    async def contact(self) -> ContactId:
        """Return a new contact."""
        return ContactId((await self.store(publish=False))["contact_id"])


def mail(**changed: Any) -> IncomingMessage:
    """Return a mail of someone new."""
    name = uuid.uuid4().hex
    values: dict[str, Any] = {
        "key": name,
        "type": "email",
        "direction": "inbound",
        "identities": (Identity("email", f"{name}@example.com"),),
        "display_name": "Ada",
        "thread": Thread(own=name),
        "subject": "My clock",
        "content": "It stopped.\n> It ticks.",
        "new_text": "It stopped.",
        "content_type": "text",
        "sent_at": datetime.now(UTC),
        "external_id": name,
        "sender": f"{name}@example.com",
        "recipients": ("shop@example.org",),
    }
    return IncomingMessage(**values | changed)


def files(*raw: bytes) -> Sequence[IncomingAttachment]:
    """Return attachments with these bytes."""
    return tuple(IncomingAttachment(f"{at}.png", "image/png", each) for at, each in enumerate(raw))
