"""What Postgres must hold, told from the container alone, and where it does not.

The store's own order decides: a document is what its last write made it, and a tombstone that expired stays a
deletion. That is the fold of the highest order of each id, where the order is the store's and not a writer's claim.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from shared.sync.position import POSITION, Position
from tests.sync_machine.container import Container, Document, Places
from tests.sync_machine.writers import Writers

Row = dict[str, Any]
SHARED = {
    "contact_id": "contactId",
    "agent_id": "agentId",
    "organization_id": "organizationId",
    "type": "type",
    "content": "content",
    "timestamp": "timestamp",
    "metadata": "metadata",
}
ROWS = "SELECT * FROM interactions WHERE project_id = ANY(%s)"
BEHIND = """
SELECT DISTINCT c.id FROM contacts c JOIN interactions i ON i.project_id = c.project_id AND i.contact_id = c.id
WHERE c.project_id = ANY(%s) AND i.deleted_at IS NULL
  AND (c.last_interaction_at IS NULL OR c.last_interaction_at < i.timestamp)"""
LETTERS = "SELECT payload->>'_etag' AS etag FROM dead_letters WHERE payload->>'id' = ANY(%s)"
PLACE = "SELECT position FROM sync_positions WHERE name = %s"


@dataclass(frozen=True)
class Oracle:
    """Compares a container with Postgres, as the administrator sees it."""

    container: Container
    writers: Writers
    admin: psycopg.AsyncConnection[Row]

    async def differences(self) -> list[str]:
        """Return every document whose row is not what the container holds, and every row that nobody wrote."""
        rows, letters = await self._rows(), await self._letters()
        due = self.container.documents | self.container.expired
        wrong = [text for document in due.values() for text in self._compare(document, rows, letters)]
        cursor = await self.admin.execute(BEHIND, [list(self.writers.projects)])
        wrong += [f"{row['id']}: the contact has later interactions" for row in await cursor.fetchall()]
        known = {identifier for identifier, _ in due}
        return wrong + [f"{identifier}: nobody wrote this row" for identifier in rows if identifier not in known]

    async def passed_unapplied(self, position: Places) -> list[str]:
        """Return the documents that the pull reader's position has passed and that are not applied."""
        passed = [each for each in self.container.documents.values() if position.passed(self.container, each)]
        if not passed:
            return []
        rows = await self._rows()
        letters = await self._letters() if self.writers.broken else set()
        wrong = [text for each in passed for text in self._compare(each, rows, letters)]
        return [f"the position is behind what is not applied: {text}" for text in wrong]

    async def position(self) -> Places:
        """Return how far the pull reader's committed position came."""
        nowhere = Places(self.container.name, {})
        row = await self._one(PLACE, POSITION)
        position = Position.read(row["position"]) if row else None
        if position is None or position.container != self.container.name:
            return nowhere
        at = [Places.read(each.token).at for each in position.ranges if each.token]
        return Places(self.container.name, {each: lsn for places in at for each, lsn in places.items()})

    def _compare(self, document: Document, rows: dict[str, Row], letters: set[str]) -> Iterator[str]:
        row, etag = rows.get(document["id"]), document["_etag"]
        if etag in self.writers.broken:
            if etag not in letters:
                yield f"{document['id']}: {etag} can't be applied and is no dead letter"
            document = next((each for each in self.container.history if row and self._is(each, row)), {})
            if row is None:
                return
        if row is None:
            yield f"{document['id']}: {etag} has no row"
        elif not document or row["source_etag"] != document["_etag"]:
            yield f"{row['id']}: holds {row['source_etag']}, not {etag}"
        else:
            yield from _fields(document, row)

    def _is(self, version: Document, row: Row) -> bool:
        return version["_etag"] == row["source_etag"] and version["_etag"] not in self.writers.broken

    async def _rows(self) -> dict[str, Row]:
        cursor = await self.admin.execute(ROWS, [list(self.writers.projects)])
        return {str(row["id"]): row for row in await cursor.fetchall()}

    async def _letters(self) -> set[str]:
        cursor = await self.admin.execute(LETTERS, [[identifier for identifier, _ in self.writers.keys]])
        return {row["etag"] for row in await cursor.fetchall()}

    async def _one(self, query: str, *values: object) -> Row | None:
        return await (await self.admin.execute(query.encode(), values)).fetchone()


def _fields(document: Document, row: Row) -> Iterator[str]:
    for column, name in SHARED.items():
        expected = document[name]
        if isinstance(row[column], UUID):
            expected = UUID(expected) if expected else None
        elif isinstance(row[column], datetime):
            expected = datetime.fromisoformat(expected)
        if row[column] != expected:
            yield f"{document['id']}: {column} is {row[column]!r}, not {expected!r}"
    if (row["deleted_at"] is not None) != document["deleted"]:
        yield f"{document['id']}: deleted at {row['deleted_at']}, deleted in the container: {document['deleted']}"
