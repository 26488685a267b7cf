"""The second look: both sides of what seemed to differ are read again, the row first."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.identifiers import ProjectId
from shared.stores.cosmos import Document
from shared.stores.postgres import Row
from shared.sync.changes import Change, read_change
from shared.sync.reconcile_fields import Kind, difference
from shared.sync.reconcile_tables import SQL
from shared.sync.reconcile_windows import Key, Reader, Seen

READERS = 16


@dataclass(slots=True)
class Suspects:
    """What a first reading of one project's part of a window came to."""

    compared: int = 0
    waiting: int = 0
    keys: list[Key] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference that holds, and the document as it is now, None when there is none."""

    key: Key
    kind: Kind
    document: Document | None

    @property
    def repairable(self) -> bool:
        """Whether applying the document makes both sides agree. Absence is no order to delete."""
        return self.document is not None and self.kind != "another_project"


@dataclass(slots=True)
class Confirmed:
    """Differences that hold, keys that agree, how many are too young to tell, and what can't be applied, by ETag."""

    differences: list[Difference] = field(default_factory=list)
    agreed: list[Key] = field(default_factory=list)
    waiting: int = 0
    unkept: dict[str, tuple[str, object]] = field(default_factory=dict)


def suspects(documents: Mapping[Key, Seen], rows: Mapping[Key, Seen]) -> Suspects:
    """Compare two sides by hash. Who is young waits; a deleted row needs no document."""
    found = Suspects()
    for key in documents.keys() | rows.keys():
        document, row = documents.get(key), rows.get(key)
        found.compared += 1
        if document and row and document.digest == row.digest:
            continue
        if (document and document.young) or (row and row.young):
            found.waiting += 1
        elif document or (row and not row.deleted):
            found.keys.append(key)
    found.keys.sort()
    return found


async def confirm(reader: Reader, project: ProjectId, keys: Sequence[Key]) -> Confirmed:
    """Read both sides of these again.

    The row comes first: a change between the two readings then shows as a young document, never as a difference.
    """
    async with reader.postgres.tenant(project) as transaction:
        rows = await transaction.all(SQL["rows_of_ids"], project_id=project, ids=list({id_ for id_, _ in keys}))
    found, by_id, waiting = Confirmed(), {row["id"]: row for row in rows}, iter(keys)
    try:
        async with asyncio.TaskGroup() as readers:
            for _ in range(min(READERS, len(keys))):
                readers.create_task(_look(reader, project, waiting, by_id, found))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    found.differences.sort(key=lambda each: each.key)
    return found


async def _look(
    reader: Reader, project: ProjectId, keys: Iterator[Key], rows: Mapping[UUID, Row], found: Confirmed
) -> None:
    for key in keys:
        document = await reader.documents.read(str(key[0]), str(key[1]))
        row = rows.get(key[0])
        read = read_change(document) if document else None
        theirs = row is not None and row["contact_id"] != key[1]
        if document and (theirs or not isinstance(read, Change)):
            found.unkept[document["_etag"]] = (document["id"], document["contactId"])
            found.agreed.append(key)  # in that there is nothing to repair: it is a dead letter's matter
            continue
        change = read if isinstance(read, Change) else None
        kind = difference(None if theirs else row, change, owned=_owned(reader, change, project))
        if kind and _young(reader, change, None if theirs else row):
            found.waiting += 1
        elif kind:
            found.differences.append(Difference(key, kind, document))
        else:
            found.agreed.append(key)


def _owned(reader: Reader, change: Change | None, project: ProjectId) -> bool:
    return change is not None and reader.owner(change) == project


def _young(reader: Reader, change: Change | None, row: Row | None) -> bool:
    if change and change.ts >= reader.horizon.written:
        return True
    return row is not None and reader.horizon.young(row)
