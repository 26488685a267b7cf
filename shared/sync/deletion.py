"""Deleting an interaction: a tombstone in Cosmos DB, which the same way as every change makes it gone from Postgres."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import Rejected, Transient
from shared.identifiers import InteractionId, ProjectId
from shared.models.documents import new_document
from shared.stores.cosmos import Document, Documents
from shared.stores.postgres import Postgres, Row
from shared.sync.apply import Sync
from shared.sync.changes import Change, read_change
from shared.sync.correction import SQL
from shared.sync.owners import owner_of
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
        row = await self._row(project, interaction)
        if row is None:
            raise Rejected(404, "there is no such interaction", field="id")
        await self.sync.apply_changes([await self._bury(row)])
        if await self._row(project, interaction):
            raise Transient("the tombstone has not reached Postgres")

    async def _row(self, project: ProjectId, interaction: InteractionId) -> Row | None:
        async with self.postgres.tenant(project) as transaction:
            return await transaction.one(SQL["living_interaction"], project_id=project, id=interaction)

    async def _bury(self, row: Row) -> Document:
        for _ in range(MAX_RACES):
            document = await self.documents.read(str(row["id"]), str(row["contact_id"]))
            if document is None:
                # Not published yet: the tombstone takes the place that store_message would fill.
                await self.documents.create(self._tombstone(row, previous=0))
                continue
            change = read_change(document)
            if isinstance(change, Change):
                if await self._owner(change) not in (row["project_id"], None):
                    return self._tombstone_of_the_row(row)
                if change.read.deleted:
                    return document
            tombstone = self._tombstone(row, previous=document.get("version"))
            replaced = await self.documents.replace(tombstone, etag=document["_etag"])
            if replaced:
                return replaced
        raise Transient("the document is being changed by others")

    async def _owner(self, change: Change) -> ProjectId | None:
        async with self.postgres.transaction() as transaction:
            return await owner_of(transaction, change)

    def _tombstone(self, row: Row, *, previous: object) -> Document:
        """Return a tombstone made from the row: a document that a foreign writer broke must be deletable too."""
        emptied = {"content": "", "metadata": {}, "deleted": True, "ttl": self.ttl_seconds}
        return {**new_document(row, version=next_version(previous, self.clock.now())), **emptied}

    def _tombstone_of_the_row(self, row: Row) -> Document:
        """Return one that is not written: the document was given to another project, and is not this one's to delete.

        It is later than the row by both clocks, as a version from the feed would be.
        """
        second = max(int(self.clock.now().timestamp()), row["source_ts"] + 1)
        tombstone = self._tombstone(row, previous=row["source_version"])
        return tombstone | {"_ts": second, "_etag": "deleted in this project alone"}
