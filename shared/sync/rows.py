"""Writing changes to `interactions`, each project as its own tenant, and finding those that Postgres won't take."""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

from shared.errors import Permanent
from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter
from shared.stores.postgres import Transaction
from shared.stores.sql import SqlBlocks
from shared.sync.changes import STAGE, Change

SQL = SqlBlocks(Path(__file__).with_name("apply.sql"))

Owned: TypeAlias = tuple[ProjectId, Change]


@dataclass(slots=True)
class Written:
    """What writing changes came to: rows written, changes that wait for a reading, and what can't be written.

    `changed` names all whose rows may have moved. The rows of `undecided` are locked.
    """

    rows: int = 0
    changed: list[Owned] = field(default_factory=list)
    undecided: list[Owned] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    def add(self, other: "Written") -> None:
        """Count another part in."""
        self.rows += other.rows
        self.changed += other.changed
        self.undecided += other.undecided
        self.letters += other.letters


async def owners(transaction: Transaction, changes: Sequence[Change]) -> tuple[list[Owned], list[DeadLetter]]:
    """Return each change with its project, sorted by project, and the dead letters of those that have none."""
    await transaction.as_role("hub_sweeper")
    named = {tenant for change in changes for tenant in change.tenants}
    rows = await transaction.all(SQL["known_projects"], ids=list(named))
    known = {row["id"] for row in rows}
    owned: list[Owned] = []
    orphans: list[DeadLetter] = []
    for change in changes:
        project = next((tenant for tenant in change.tenants if tenant in known), None)
        if project is None:
            reason = "neither projectId nor organizationId names a project"
            orphans.append(DeadLetter(None, STAGE, reason, change.pointer))
        else:
            owned.append((ProjectId(project), change))
    return sorted(owned, key=lambda pair: pair[0]), orphans


async def write_rows(transaction: Transaction, owned: Sequence[Owned]) -> Written:
    """Write the changes that are newer than their rows. What only Postgres refuses becomes a dead letter."""
    return await in_parts(transaction, owned, _write)


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


def by_project(owned: Sequence[Owned]) -> Iterator[tuple[ProjectId, list[Change]]]:
    """Return changes that are sorted by project, project by project."""
    for project, group in groupby(owned, key=lambda pair: pair[0]):
        yield project, [change for _, change in group]


def parameters(project: ProjectId, changes: Sequence[Change]) -> dict[str, Any]:
    """Return what the statements of one project take."""
    rows = [change.row | {"contested": change.contested} for change in changes]
    return {"project_id": project, "documents": json.dumps(rows)}


async def touch_contacts(transaction: Transaction, owned: Sequence[Owned]) -> None:
    """Move the last interaction of the contacts of these changes forward, to what their rows say now."""
    for project, changes in by_project(sorted(owned, key=lambda pair: pair[0])):
        await transaction.as_tenant(project, "hub_sync")
        contacts = list({change.contact_id for change in changes})
        await transaction.execute(SQL["touch_contacts"], project_id=project, contacts=contacts)


async def _write(transaction: Transaction, owned: Sequence[Owned]) -> Written:
    written = Written(changed=list(owned))
    for project, changes in by_project(owned):
        await transaction.as_tenant(project, "hub_sync")
        for by_id in _rounds(changes):
            await _write_project(transaction, project, by_id, written)
    return written


async def _write_project(
    transaction: Transaction, project: ProjectId, by_id: dict[UUID, Change], written: Written
) -> None:
    values = parameters(project, list(by_id.values()))
    await transaction.execute(SQL["place_contacts"], **values)
    written.rows += await transaction.execute(SQL["apply_documents"], **values)
    for row in await transaction.all(SQL["undecided"], **values):
        change = by_id[row["id"]]
        if row["foreign_contact"]:
            reason = "contactId: this id is already another contact's interaction"
            written.letters.append(DeadLetter(project, STAGE, reason, change.pointer))
        else:
            written.undecided.append((project, change))


def _rounds(changes: Sequence[Change]) -> list[dict[UUID, Change]]:
    """Return the changes by id; documents of several contacts with one id take turns, the first keeps the id."""
    rounds: list[dict[UUID, Change]] = []
    for change in changes:
        free = next((by_id for by_id in rounds if change.id not in by_id), None)
        if free is None:
            rounds.append(free := {})
        free[change.id] = change
    return rounds
