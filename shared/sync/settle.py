"""Settling what two clocks can't tell: the document itself is read while its row is locked, and applied."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.errors import Contended, Permanent
from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter
from shared.models.documents import iso
from shared.stores.cosmos import Documents
from shared.stores.postgres import Statement, Transaction, tenant_statement
from shared.sync.batch import SQL, Owned
from shared.sync.changes import STAGE, Change, read_change
from shared.sync.owners import still_theirs
from shared.sync.rows import Written, by_project, in_parts, parameters

READERS = 16  # point reads at once: a batch in which everything is undecided must not take a partition's whole budget


@dataclass(slots=True)
class Settled:
    """How many documents were read and hold, and the letters of those that can't be; `behind` as in Written."""

    rows: int = 0
    behind: list[tuple[ProjectId, str]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)


async def settle(transaction: Transaction, documents: Documents, undecided: Sequence[Owned]) -> Settled:
    """Write what Cosmos DB holds now of these, whose rows this transaction has locked.

    The lock makes the last reader the last writer. It happens in the transaction of the batch, because a reader's
    position must not pass a document whose place is still open. Raises Transient when a document can't be read now, or
    is answered by a replica that has not seen yet what the feed brought.
    """
    settled = Settled()
    # What another project owns by now ends there, on its own way through the feed.
    current = await still_theirs(transaction, await _read_all(documents, undecided, settled))
    written = await in_parts(transaction, current, _write)
    settled.rows = written.rows
    settled.behind = written.behind
    settled.letters += written.letters
    return settled


async def _read_all(documents: Documents, undecided: Sequence[Owned], settled: Settled) -> list[Owned]:
    """Return what Cosmos DB holds of each, in their order; one that is gone is left as it is."""
    found: dict[int, Change] = {}
    waiting = iter(enumerate(undecided))
    try:
        async with asyncio.TaskGroup() as readers:
            for _ in range(min(READERS, len(undecided))):
                readers.create_task(_read_some(documents, waiting, found, settled))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [(undecided[place][0], found[place]) for place in sorted(found)]


async def _read_some(
    documents: Documents, waiting: Iterator[tuple[int, Owned]], found: dict[int, Change], settled: Settled
) -> None:
    for place, (project, change) in waiting:
        try:
            document = await documents.read(str(change.id), str(change.contact_id))
        except Permanent as error:
            settled.letters.append(DeadLetter(project, STAGE, error.reason, change.pointer))
            continue
        now = read_change(document) if document else None
        if isinstance(now, Change):
            if now.ts < change.ts:
                raise Contended("Cosmos DB answered with a document older than its feed: a replica is behind")
            found[place] = now


async def _write(transaction: Transaction, owned: Sequence[Owned]) -> Written:
    written = Written(rows=len(owned))
    for project, changes in by_project(owned):
        statement = Statement(SQL["settle_documents"], parameters(project, changes))
        await transaction.together([tenant_statement(project, "hub_sync"), statement])
        written.behind += ((project, _last(change)) for change in changes if not change.read.deleted)
    return written


def _last(change: Change) -> str:
    return json.dumps({"contact_id": change.key[1], "at": iso(change.read.timestamp)})
