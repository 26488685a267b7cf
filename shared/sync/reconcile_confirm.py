"""The second look: both sides of what seemed to differ are read again, the documents first."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides of one key as they were read; the row may be another contact's."""

    key: Key
    document: Document | None
    row: Row | None


def suspects(documents: Mapping[Key, Seen], rows: Mapping[Key, Seen]) -> Suspects:
    """Compare two sides by hash. Who is young waits; a deleted row needs no document."""
    found = Suspects()
    for key in documents.keys() | rows.keys():
        document, row = documents.get(key), rows.get(key)
        found.compared += 1
        if document and row and document.digest == row.digest:
            continue
        if (document and document.young) or (row and (row.young or (row.unconfirmed and not document))):
            found.waiting += 1
        elif document or (row and not row.deleted):
            found.keys.append(key)
    found.keys.sort()
    return found


async def confirm(reader: Reader, project: ProjectId, keys: Sequence[Key]) -> Confirmed:
    """Read both sides of these again, and tell which still differ.

    The documents come first: what a reader of the feed applies between the two readings then agrees, and what is
    written between them is young on the side that was read later.
    """
    documents = await _documents(reader, keys)
    async with reader.postgres.tenant(project) as transaction:
        rows = await transaction.all(SQL["rows_of_ids"], project_id=project, ids=list({id_ for id_, _ in keys}))
    found, by_id = Confirmed(), {row["id"]: row for row in rows}
    for key in sorted(keys):
        _judge(reader, project, Pair(key, documents[key], by_id.get(key[0])), found)
    return found


async def _documents(reader: Reader, keys: Sequence[Key]) -> dict[Key, Document | None]:
    found: dict[Key, Document | None] = {}
    waiting = iter(keys)

    async def read_some() -> None:
        for key in waiting:
            found[key] = await reader.documents.read(str(key[0]), str(key[1]))

    try:
        async with asyncio.TaskGroup() as readers:
            for _ in range(min(READERS, len(keys))):
                readers.create_task(read_some())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return found


def _judge(reader: Reader, project: ProjectId, pair: Pair, found: Confirmed) -> None:
    document, row = pair.document, pair.row
    read = read_change(document) if document else None
    theirs = row is not None and row["contact_id"] != pair.key[1]
    if document and (theirs or not isinstance(read, Change)):
        found.unkept[document["_etag"]] = (document["id"], document["contactId"])
        found.agreed.append(pair.key)  # in that there is nothing to repair: it is a dead letter's matter
        return
    change, mine = read if isinstance(read, Change) else None, None if theirs else row
    kind = difference(mine, change, owned=change is not None and reader.owner(change) == project)
    if kind is None:
        found.agreed.append(pair.key)
    elif reader.horizon.young(mine, change):
        found.waiting += 1
    else:
        found.differences.append(Difference(pair.key, kind, document))
