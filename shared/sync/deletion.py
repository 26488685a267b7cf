"""Deleting an interaction: a tombstone in Cosmos DB, which the same way as every change makes it gone from Postgres."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import Rejected, Transient
from shared.identifiers import InteractionId, ProjectId
from shared.inbox.history import SQL
from shared.models.documents import new_document
from shared.stores.cosmos import Document, Documents
from shared.stores.postgres import Postgres, Row
from shared.sync.apply import Sync
from shared.sync.changes import Change, read_change
from shared.sync.versions import MAX_RACES, next_version


@dataclass(frozen=True, slots=True)
class Deletion:
    """Writes tombstones."""

    postgres: Postgres
    documents: Documents
    sync: Sync
    clock: Clock
    ttl_seconds: int

    async def delete(self, project: ProjectId, interaction: InteractionId) -> None:
        """Delete an interaction; on return it is gone from reads. Raises Rejected 404 when there is none."""
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(SQL["committed_interaction"], project_id=project, id=interaction)
        if row is None or row["deleted_at"] is not None:
            raise Rejected(404, "there is no such interaction", field="id")
        await self.sync.apply_changes([await self._bury(row)])
        async with self.postgres.tenant(project) as transaction:
            after = await transaction.one(SQL["committed_interaction"], project_id=project, id=interaction)
        if after and after["deleted_at"] is None:
            raise Transient("the tombstone has not reached Postgres")

    async def _bury(self, row: Row) -> Document:
        for _ in range(MAX_RACES):
            document = await self.documents.read(str(row["id"]), str(row["contact_id"]))
            if document is None:
                # Not published yet: the tombstone takes the place that store_message would fill.
                await self.documents.create(self._tombstone(row, previous=0))
                continue
            if document.get("deleted") is True and isinstance(read_change(document), Change):
                return document
            tombstone = self._tombstone(row, previous=document.get("version"))
            replaced = await self.documents.replace(tombstone, etag=document["_etag"])
            if replaced:
                return replaced
        raise Transient("the document is being changed by others")

    def _tombstone(self, row: Row, *, previous: object) -> Document:
        """Return a tombstone made from the row: a document that a foreign writer broke must be deletable too."""
        emptied = {"content": "", "metadata": {}, "deleted": True, "ttl": self.ttl_seconds}
        return {**new_document(row, version=next_version(previous, self.clock.now())), **emptied}
