"""Windows of a comparison: a range of ids or of times, small enough that its ids and hashes fit into memory."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

from shared.clock import microseconds
from shared.failpoints import failpoint
from shared.identifiers import ProjectId
from shared.stores.cosmos import Document, DocumentPage, Documents
from shared.stores.postgres import Postgres, Row, Transaction
from shared.sync.changes import Change, read_change
from shared.sync.reconcile_fields import digest_of_change, digest_of_row
from shared.sync.reconcile_tables import SQL

ALL_IDS = 2**128
LOWEST, HIGHEST = "", "\uffff"  # before and after every id, those that are no UUID among them

Key = tuple[UUID, UUID]  # interaction and contact: an id is unique inside its contact's partition only


@dataclass(frozen=True, slots=True)
class Ids:
    """Interactions whose id, as a number, is in [first, before). No update moves one into another window."""

    first: int
    before: int

    def pages(self, documents: Documents, size: int) -> AsyncGenerator[DocumentPage]:
        """Read the documents."""
        first = LOWEST if self.first == 0 else str(UUID(int=self.first))
        before = HIGHEST if self.before == ALL_IDS else str(UUID(int=self.before))
        return documents.pages_by_id(first, before, fields=_fields(), size=size)


@dataclass(frozen=True, slots=True)
class Times:
    """Interactions whose document was last written in [first, before), in seconds since 1970."""

    first: int
    before: int

    def pages(self, documents: Documents, size: int) -> AsyncGenerator[DocumentPage]:
        """Read the documents."""
        return documents.pages_by_time(self.first, self.before, fields=_fields(), size=size)


Window = Ids | Times


class Crowded(Exception):
    """The window holds more than was agreed: no error, it is to be made smaller."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """From when on a document or a row is too young to differ: its change may still be on its way.

    `unconfirmed` is the same for rows whose document has yet to be written, which waits as long as Cosmos DB is away.
    """

    written: int
    unconfirmed: int

    def young(self, row: Row | None, change: Change | None = None) -> bool:
        """Whether one of them is. A row that is not confirmed is by its own time, as long as it has no document."""
        if change is not None and change.ts >= self.written:
            return True
        if row is None:
            return False
        if row["source_version"] == 0:
            return change is None and microseconds(row["created_at"]) // 1_000_000 >= self.unconfirmed
        return bool(row["source_ts"] >= self.written)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one store holds of an interaction; `unconfirmed` is young only as long as it has no document."""

    digest: bytes
    young: bool
    deleted: bool = False
    unconfirmed: bool = False


Side = dict[ProjectId, dict[Key, Seen]]


@dataclass(slots=True)
class Cosmos:
    """What Cosmos DB holds of a window; `unkept` are the ETags, with their keys, of documents that can't be applied."""

    side: Side = field(default_factory=dict)
    unkept: dict[str, tuple[str, object]] = field(default_factory=dict)
    count: int = 0
    request_units: float = 0.0


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads both sides of windows, page by page; of a page only hashes are kept."""

    postgres: Postgres
    documents: Documents
    projects: frozenset[UUID]
    horizon: Horizon
    page: int

    async def read_documents(self, window: Window, most: int | None) -> Cosmos:
        """Return what Cosmos DB holds. Raises Crowded when there are more than `most`."""
        found = Cosmos()
        async with aclosing(window.pages(self.documents, self.page)) as pages:
            async for page in pages:
                failpoint("reconcile.page_read")
                found.request_units += page.request_units
                found.count += len(page.documents)
                if most is not None and found.count > most:
                    raise Crowded
                for document in page.documents:
                    self._add(document, found)
        return found

    async def read_rows(self, window: Window, cosmos: Cosmos, most: int | None) -> Side:
        """Return what Postgres holds, project by project. Raises Crowded when there are more than `most` rows."""
        side: Side = {}
        left = most
        async with self.postgres.transaction() as transaction:
            for project in map(ProjectId, sorted(self.projects)):
                await transaction.as_tenant(project)
                rows = side[project] = {}
                async with aclosing(self._rows(transaction, project, window, cosmos)) as found:
                    async for row in found:
                        rows[row["id"], row["contact_id"]] = self._seen(row)
                        if left is not None and len(rows) > left:
                            raise Crowded
                left = None if left is None else left - len(rows)
        return side

    def _seen(self, row: Row) -> Seen:
        young, new = self.horizon.young(row), row["source_version"] == 0
        return Seen(digest_of_row(row), young and not new, row["deleted"], young and new)

    def owner(self, change: Change) -> ProjectId | None:
        """Return the project of a document, by the rule of `apply_changes`."""
        return next((ProjectId(tenant) for tenant in change.tenants if tenant in self.projects), None)

    def _add(self, document: Document, found: Cosmos) -> None:
        read = read_change(document)
        owner = self.owner(read) if isinstance(read, Change) else None
        if isinstance(read, Change) and owner is not None:
            seen = Seen(digest_of_change(read), read.ts >= self.horizon.written, read.read.deleted)
            found.side.setdefault(owner, {})[read.id, read.contact_id] = seen
        elif document["_ts"] < self.horizon.written:
            found.unkept[document["_etag"]] = (document["id"], document.get("contactId"))

    async def _rows(
        self, transaction: Transaction, project: ProjectId, window: Window, cosmos: Cosmos
    ) -> AsyncGenerator[Row]:
        if isinstance(window, Times):
            ids = list({id_ for id_, _ in cosmos.side.get(project, {})})
            for at in range(0, len(ids), self.page):
                for row in await transaction.all(SQL["rows_of_ids"], project_id=project, ids=ids[at : at + self.page]):
                    yield row
            return
        first = window.first
        while first < window.before:
            rows = await transaction.all(
                SQL["rows_of_range"],
                project_id=project,
                first=UUID(int=first),
                last=UUID(int=window.before - 1),
                limit=self.page,
            )
            for row in rows:
                yield row
            if len(rows) < self.page:
                return
            first = rows[-1]["id"].int + 1


@cache
def _fields() -> tuple[str, ...]:
    """The names by which a document holds what `read_change` reads."""
    from shared.models.documents import InteractionDocument

    aliases = (field.alias or name for name, field in InteractionDocument.model_fields.items())
    return ("schemaVersion", *aliases)
