"""Writing changes to `interactions`, each project as its own tenant, and finding those that Postgres won't take."""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import Contended, Permanent
from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter
from shared.stores.postgres import Row, Statement, Transaction, json_parameter, tenant_statement
from shared.sync.batch import SQL, Batch, Group, Owned, parts
from shared.sync.changes import STAGE, Change
from shared.telemetry import event

RACES = 3  # how often a batch may lose a race for its rows before its reader has to bring it again


@dataclass(slots=True)
class Written:
    """What writing changes came to: rows written, changes that wait for a reading, and what can't be written.

    `behind` has the contacts whose last interaction may be a new one, JSON objects with commas. The rows of `undecided`
    are locked.
    """

    rows: int = 0
    behind: list[tuple[ProjectId, str]] = field(default_factory=list)
    undecided: list[Owned] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    def add(self, other: "Written") -> None:
        """Count another part in."""
        self.rows += other.rows
        self.behind += other.behind
        self.undecided += other.undecided
        self.letters += other.letters


async def write_rows(transaction: Transaction, batch: Batch) -> Written:
    """Write the documents that are newer than their rows. What only Postgres refuses becomes a dead letter.

    Documents are read while Postgres writes those before them. Nothing may have been written in the transaction yet.
    Raises Contended when others keep inserting the same rows, insert one while the batch is halved, or when a project
    is gone.
    """
    written = await _against_others(transaction, batch)
    written.letters += batch.letters
    return written


async def _against_others(transaction: Transaction, batch: Batch) -> Written:
    races = 0
    while True:
        try:
            return await _write(transaction, batch.read())
        except Contended as error:
            races += 1
            if races == RACES:
                raise
            # Who inserted a row meanwhile has committed: from the start again it is seen.
            event("sync.begun_again", reason=str(error))
            await transaction.start_again()
        except Permanent:
            # Cheaper than a savepoint around every batch: hardly any needs it.
            await transaction.start_again()
            return await in_parts(transaction, list(batch.read()), _write)


async def in_parts(
    transaction: Transaction,
    owned: Sequence[Owned],
    write: Callable[[Transaction, Sequence[Owned]], Awaitable[Written]],
) -> Written:
    """Write all at once; what Postgres refuses is halved until the ones it refuses are alone, each a dead letter."""
    if not owned:
        return Written()
    try:
        async with transaction.savepoint():
            return await write(transaction, owned)
    except Permanent as error:
        if len(owned) == 1:
            ((project, change),) = owned
            return Written(letters=[DeadLetter(project, STAGE, error.reason, change.pointer)])
    middle = len(owned) // 2
    written = await in_parts(transaction, owned[:middle], write)
    written.add(await in_parts(transaction, owned[middle:], write))
    return written


def by_project(owned: Iterable[Owned]) -> list[Group]:
    """Return changes by project, in the order in which projects are locked."""
    groups: defaultdict[ProjectId, list[Change]] = defaultdict(list)
    for project, change in owned:
        groups[project].append(change)
    return sorted(groups.items())


def parameters(project: ProjectId, changes: Sequence[Change]) -> dict[str, Any]:
    """Return what the statements of one project take."""
    rows = b",".join(b'{"contested":true,' + change.json[1:] if change.contested else change.json for change in changes)
    return {"project_id": project, "documents": json_parameter(b"[" + rows + b"]")}


async def touch_contacts(transaction: Transaction, behind: Iterable[tuple[ProjectId, str]]) -> None:
    """Move the last interaction of contacts forward, to that of the rows that were written."""
    groups: defaultdict[ProjectId, list[str]] = defaultdict(list)
    for project, contacts in behind:
        groups[project].append(contacts)
    if groups:
        await transaction.together(
            statement
            for project, contacts in sorted(groups.items())
            for statement in (
                tenant_statement(project, "hub_sync"),
                Statement(SQL["touch_contacts"], {"project_id": project, "contacts": f"[{','.join(contacts)}]"}),
            )
        )


async def _write(transaction: Transaction, owned: Iterable[Owned]) -> Written:
    written, sent = Written(), list[Group | None]()
    answers = await transaction.together(_statements(owned, sent))
    for group, rows in zip(sent, answers, strict=True):
        if group:
            _count(group, rows[0], written)
    return written


def _statements(owned: Iterable[Owned], sent: list[Group | None]) -> Iterator[Statement]:
    """Return what writes changes, part by part. `sent` grows with it: the part of each statement that has one."""
    sent.append(None)
    yield Statement(SQL["plan_by_index"], {})
    tenant: ProjectId | None = None
    for project, changes in parts(owned):
        if project != tenant:
            sent.append(None)
            yield tenant_statement(project, "hub_sync")
            tenant = project
        sent.append((project, changes))
        yield Statement(SQL["apply_documents"], parameters(project, changes))


def _count(group: Group, answer: Row, written: Written) -> None:
    project, changes = group
    written.rows += answer["written"]
    if answer["behind"]:
        written.behind.append((project, answer["behind"]))
    written.undecided += ((project, change) for change in _named(changes, answer["undecided"]))
    reason = "contactId: this id is already another contact's interaction"
    taken = _named(changes, answer["taken"])
    written.letters += (DeadLetter(project, STAGE, reason, change.pointer) for change in taken)


def _named(changes: Sequence[Change], ids: str | None) -> list[Change]:
    if not ids:
        return []
    named = set(json.loads(ids))
    return [change for change in changes if change.key[0] in named]
