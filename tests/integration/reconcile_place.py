"""One project alone in two stores, ways to make them differ, and reconcilers to whom all of it is old enough."""

import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.stores.cosmos import Document, DocumentPage, Documents
from shared.sync.reconcile import Policy, Reconciler, Run
from shared.sync.reconcile_tables import Tally
from tests.integration.reading_place import HeldClock, Place

BATCH = 100


class LiveDocuments(Documents):
    """The documents, with something that happens after each page, or before each second look."""

    def __init__(
        self,
        documents: Documents,
        *,
        after_page: Callable[[], Awaitable[object]] | None = None,
        before_read: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.documents = documents
        self.after_page = after_page
        self.before_read = before_read
        self.reads = 0

    async def _after_each(self, pages: AsyncGenerator[DocumentPage]) -> AsyncGenerator[DocumentPage]:
        async for page in pages:
            yield page
            if self.after_page:
                await self.after_page()

    def pages_by_id(self, first: str, before: str, *, fields: Sequence[str], size: int) -> AsyncGenerator[DocumentPage]:
        return self._after_each(self.documents.pages_by_id(first, before, fields=fields, size=size))

    def pages_by_time(
        self, first: int, before: int, *, fields: Sequence[str], size: int
    ) -> AsyncGenerator[DocumentPage]:
        return self._after_each(self.documents.pages_by_time(first, before, fields=fields, size=size))

    async def read(self, interaction: str, contact: str) -> Document | None:
        self.reads += 1
        if self.before_read:
            await self.before_read()
        return await self.documents.read(interaction, contact)


@dataclass(frozen=True)
class Stores:
    """Two stores, and the ways to make them differ."""

    place: Place
    documents: list[Document] = field(default_factory=list)

    def reconciler(self, *, ahead: float = 10, **policy: Any) -> Reconciler:
        """One to whom all there is is old enough, unless `ahead` is less: seconds by which its clock is ahead."""
        hub, clock = self.place.hub, HeldClock(datetime.now(UTC) + timedelta(seconds=ahead))
        return Reconciler(hub.postgres, hub.documents, hub.sync, clock, replace(Policy(young=timedelta(0)), **policy))

    async def fill(self, count: int, **changed: Any) -> list[Document]:
        """Write documents, `BATCH` of them a contact, and apply them."""
        contacts = [str(uuid.uuid4()) for _ in range(0, count, BATCH)]
        made = [
            self.place.document(contactId=contact, version=1_000_000, **changed)
            for contact in contacts
            for _ in range(min(BATCH, count - BATCH * contacts.index(contact)))
        ]
        written = await self.write(made)
        await self.place.hub.sync.apply_changes(written)
        self.documents.extend(written)
        return written

    async def write(self, documents: list[Document]) -> list[Document]:
        return await self._batches(documents, lambda document: ("upsert", (document,)))

    async def remove(self, documents: list[Document]) -> None:
        """Delete documents as no service of ours does: without a tombstone."""
        await self._batches(documents, lambda document: ("delete", (document["id"],)))

    async def change(self, documents: list[Document], **changed: Any) -> list[Document]:
        """Write newer versions that nobody applies."""
        version = int(time.time() * 1_000_000)
        return await self.write([document | {"version": version} | changed for document in documents])

    def sql(self, statement: str, documents: list[Document]) -> None:
        """Write Postgres by hand, past sync."""
        self.place.rows(f"{statement} WHERE id = ANY(%s::uuid[])", [document["id"] for document in documents])

    def findings(self, *, still_open: bool = False) -> dict[str, set[str]]:
        """The ids found, by kind."""
        where = "WHERE resolved_at IS NULL" if still_open else ""
        found: dict[str, set[str]] = {}
        for row in self.place.rows(f"SELECT kind, interaction_id FROM reconciliation_findings {where}"):
            found.setdefault(row["kind"], set()).add(str(row["interaction_id"]))
        return found

    def tally(self, run: Run) -> Tally:
        return run.tallies[self.place.id]

    async def agree(self) -> None:
        assert self.place.in_postgres() == await self.place.in_cosmos()

    async def _batches(
        self, documents: list[Document], operation: Callable[[Document], tuple[str, tuple[Any, ...]]]
    ) -> list[Document]:
        by_contact: dict[str, list[Document]] = {}
        for document in documents:
            by_contact.setdefault(document["contactId"], []).append(document)
        answers: list[Document] = []
        for contact, group in by_contact.items():
            done = await self.place.container.execute_item_batch(list(map(operation, group)), partition_key=contact)
            answers += [dict(each["resourceBody"]) for each in done if each.get("resourceBody")]
        return answers


def ids(documents: list[Document]) -> set[str]:
    return {document["id"] for document in documents}
