"""What the history says: contacts, their context, single interactions and files."""

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.errors import Rejected
from shared.identifiers import ContactId, ProjectId
from shared.inbox.analyses import understood
from shared.inbox.cursors import Before, next_cursor
from shared.inbox.etags import etag_of
from shared.models.text import storable
from shared.models.views import (
    AttachmentView,
    ContactView,
    ContextView,
    FactView,
    IdentityView,
    InteractionView,
    NewFact,
    Page,
)
from shared.models.work import BlobContainer
from shared.stores.blobs import Blobs
from shared.stores.postgres import Postgres, Row, Transaction, holds_nul
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("reads.sql"))
MAX_FACT_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """An attachment's bytes with its name; `content_type` is what the sender declared."""

    filename: str
    content_type: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class History:
    """Reads of one project at a time. What is not there, or is another project's, is Rejected 404."""

    postgres: Postgres
    blobs: Blobs

    async def contacts(self, project: ProjectId, email: str | None, page: Before) -> Page[ContactView]:
        """Return the contact with an email address, or all contacts by last interaction."""
        async with self.postgres.tenant(project) as transaction:
            if email is not None:
                address = storable(email.strip().lower())
                found = await transaction.one(SQL["find_contact_by_email"], project_id=project, email=address)
                items = [await _contact(transaction, project, found["id"])] if found else []
                return Page[ContactView](items=items)
            rows = await transaction.all(SQL["list_contacts"], project_id=project, **page.parameters())
            items = await _contacts(transaction, project, rows[: page.limit])
        for row in rows:
            row["at"] = row["last_interaction_at"] or row["created_at"]
        return Page[ContactView](items=items, next_cursor=next_cursor(rows, page, "at"))

    async def contact(self, project: ProjectId, contact: ContactId) -> ContactView:
        """Return one contact, or the one it was merged into."""
        async with self.postgres.tenant(project) as transaction:
            return await _contact(transaction, project, contact)

    async def context(self, project: ProjectId, contact: ContactId, page: Before, facts: Before) -> ContextView:
        """Return a contact with recent interactions and what is known (seed 001 §6)."""
        async with self.postgres.tenant(project) as transaction:
            view = await _contact(transaction, project, contact)
            scope = {"project_id": project, "contact_id": view.id}
            rows = await transaction.all(SQL["list_interactions"], **scope, **page.parameters())
            known = await transaction.all(SQL["list_facts"], **scope, **facts.parameters())
            interactions = await _interactions(transaction, project, rows[: page.limit])
        return ContextView(
            contact=view,
            interactions=Page[InteractionView](items=interactions, next_cursor=next_cursor(rows, page, "timestamp")),
            facts=Page[FactView](
                items=[FactView(**row) for row in known[: facts.limit]],
                next_cursor=next_cursor(known, facts, "created_at"),
            ),
        )

    async def add_fact(self, project: ProjectId, contact: ContactId, new: NewFact, key: str | None) -> FactView:
        """Keep a fact (seed 001 §4). With an idempotency key the same call again returns the first one's row."""
        data = json.dumps(new.data, ensure_ascii=False)
        if len(data.encode()) > MAX_FACT_BYTES or holds_nul(data):
            raise Rejected(422, f"data must be text without NUL, at most {MAX_FACT_BYTES} bytes", field="data")
        if "\0" in new.context_type:
            raise Rejected(422, "contextType must not hold NUL", field="contextType")
        identifier = uuid.uuid5(contact, key) if key else uuid.uuid4()
        async with self.postgres.tenant(project) as transaction:
            owner = (await _contact(transaction, project, contact)).id
            await _check_interaction(transaction, project, owner, new.interaction_id)
            await transaction.execute(
                SQL["insert_fact"],
                project_id=project,
                id=identifier,
                contact_id=owner,
                interaction_id=new.interaction_id,
                context_type=new.context_type,
                data=data,
            )
            row = await transaction.one(SQL["get_fact"], project_id=project, id=identifier)
        assert row is not None  # noqa: S101 # inserted by the statement before, in this transaction
        return FactView(**row)

    async def interaction(self, project: ProjectId, interaction: UUID) -> InteractionView:
        """Return one interaction with its analysis."""
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(SQL["get_interaction"], project_id=project, id=interaction)
            if row is None:
                raise Rejected(404, "there is no such interaction", field="id")
            return (await _interactions(transaction, project, [row]))[0]

    async def html(self, project: ProjectId, interaction: UUID) -> str:
        """Return an interaction's HTML, made safe to show when it was stored."""
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(SQL["get_html"], project_id=project, id=interaction)
        if row is None:
            raise Rejected(404, "there is no such interaction, or it has no HTML to show", field="id")
        return str(row["html"])

    async def file(self, project: ProjectId, attachment: UUID) -> File:
        """Return an attachment's bytes."""
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(SQL["get_attachment"], project_id=project, id=attachment)
        blob = await self.blobs.get(BlobContainer.ATTACHMENTS, row["blob_name"]) if row else None
        if row is None or blob is None:
            raise Rejected(404, "there is no such attachment", field="id")
        return File(row["filename"], row["content_type"], blob.raw)


async def _contact(transaction: Transaction, project: ProjectId, contact: UUID) -> ContactView:
    row = await transaction.one(SQL["get_contact"], project_id=project, id=contact)
    if row is None:
        raise Rejected(404, "there is no such contact", field="id")
    return (await _contacts(transaction, project, [row]))[0]


async def _contacts(transaction: Transaction, project: ProjectId, rows: list[Row]) -> list[ContactView]:
    identities = defaultdict(list)
    for row in await transaction.all(SQL["list_identities"], project_id=project, ids=[row["id"] for row in rows]):
        view = IdentityView(type=row["type"], value=row["value"], is_primary=row["is_primary"])
        identities[row["contact_id"]].append(view)
    return [ContactView(**row, identities=identities[row["id"]]) for row in rows]


async def _interactions(transaction: Transaction, project: ProjectId, rows: list[Row]) -> list[InteractionView]:
    scope = {"project_id": project, "message_ids": [row["message_id"] for row in rows if row["message_id"]]}
    analyses = {row.pop("message_id"): row for row in await transaction.all(SQL["list_analyses"], **scope)}
    files = defaultdict(list)
    for row in await transaction.all(SQL["list_attachments"], **scope):
        files[row.pop("message_id")].append(AttachmentView(**row))
    return [_interaction(row, analyses.get(row["message_id"]), files[row["message_id"]]) for row in rows]


def _interaction(row: Row, analysis: dict[str, Any] | None, files: list[AttachmentView]) -> InteractionView:
    shown = {key: value for key, value in row.items() if key not in {"message_id", "source_etag"}}
    return InteractionView(
        **shown,
        etag=etag_of(row["source_etag"]),
        **understood(analysis),
        attachments=files,
    )


async def _check_interaction(
    transaction: Transaction, project: ProjectId, contact: UUID, interaction: UUID | None
) -> None:
    if interaction is None:
        return
    scope = {"project_id": project, "contact_id": contact, "id": interaction}
    if await transaction.one(SQL["interaction_exists"], **scope) is None:
        raise Rejected(422, "interactionId is not one of this contact's interactions", field="interactionId")
