"""apply_changes: the one way by which shared interaction fields reach Postgres.

Order is never trusted. A version is newer when both clocks say so: applied order = max(version, `_ts` · 10⁶), and the
later `_ts`. What they can't decide (written within one second by someone who may have kept or dropped `version`, or
with a `version` from a wrong clock) is settled by reading the document itself under the row's lock.
"""

import json
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.errors import Permanent
from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter, DeadLetterLimit, bury
from shared.stores.cosmos import Document, Documents
from shared.stores.postgres import Postgres, Transaction
from shared.stores.sql import SqlBlocks
from shared.sync.changes import STAGE, Change, newest, read_change

SQL = SqlBlocks(Path(__file__).with_name("apply.sql"))


@dataclass(slots=True)
class Applied:
    """What became of a batch: rows written, documents settled by reading them, dead letters kept."""

    written: int = 0
    settled: int = 0
    dead: int = 0
    undecided: list[tuple[ProjectId, Change]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sync:
    """Applies documents from any reader of the feed. Running twice, late or out of order gives the same rows."""

    postgres: Postgres
    documents: Documents
    limit: DeadLetterLimit = field(default_factory=DeadLetterLimit)

    async def apply_changes(self, documents: list[Document]) -> Applied:
        """Apply a batch in one transaction. A document that can't be applied becomes a dead letter, the rest go on.

        Raises Transient, with nothing of the batch written, when there were too many dead letters lately.
        """
        read = [read_change(document) for document in documents]
        letters = [item for item in read if isinstance(item, DeadLetter)]
        changes = [item for item in read if isinstance(item, Change)]
        try:
            applied = await self._batch(changes, letters)
        except Permanent:
            # The statement does not say which document Postgres refused: find out one by one.
            applied = await self._one_by_one(changes, letters)
        for project, change in applied.undecided:
            settled = await self._settle(project, change)
            applied.settled += settled.settled
            applied.dead += settled.dead
        return applied

    async def _batch(self, changes: list[Change], letters: list[DeadLetter]) -> Applied:
        applied = Applied()
        async with self.postgres.transaction() as transaction:
            owned, orphans = await _owned(transaction, newest(changes))
            for project, group in groupby(owned, key=lambda pair: pair[0]):
                foreign = await _apply_project(transaction, project, [change for _, change in group], applied)
                letters = letters + foreign
            await self._bury_all(transaction, letters + orphans)
            applied.dead = len(letters) + len(orphans)
        return applied

    async def _bury_all(self, transaction: Transaction, letters: list[DeadLetter]) -> None:
        if letters:
            await transaction.as_role("hub_sweeper")
            await self.limit.check(transaction, STAGE)
            for letter in letters:
                await bury(transaction, letter)

    async def _one_by_one(self, changes: list[Change], letters: list[DeadLetter]) -> Applied:
        total = await self._batch([], letters)
        for change in newest(changes):
            try:
                one = await self._batch([change], [])
            except Permanent as error:
                one = await self._batch([], [DeadLetter(None, STAGE, error.reason, change.pointer)])
            total.written += one.written
            total.dead += one.dead
            total.undecided += one.undecided
        return total

    async def _settle(self, project: ProjectId, change: Change) -> Applied:
        try:
            return Applied(settled=await self._write_current(project, change))
        except Permanent as error:
            return await self._batch([], [DeadLetter(project, STAGE, error.reason, change.pointer)])

    async def _write_current(self, project: ProjectId, change: Change) -> int:
        async with self.postgres.tenant(project, "hub_sync") as transaction:
            await transaction.one(SQL["lock_interaction"], project_id=project, id=change.id)
            document = await self.documents.read(str(change.id), str(change.contact_id))
            now = read_change(document) if document else None
            if not isinstance(now, Change) or project not in now.tenants:
                return 0  # gone, or its own way through the feed ends elsewhere
            parameters = _parameters(project, [now])
            written = await transaction.execute(SQL["settle_document"], **parameters)
            await transaction.execute(SQL["touch_contacts"], **parameters)
            return written


async def _owned(
    transaction: Transaction, changes: list[Change]
) -> tuple[list[tuple[ProjectId, Change]], list[DeadLetter]]:
    """Return each change with its project, sorted by project, and the dead letters of those that have none."""
    await transaction.as_role("hub_sweeper")
    named = {tenant for change in changes for tenant in change.tenants}
    rows = await transaction.all(SQL["known_projects"], ids=list(named))
    known = {row["id"] for row in rows}
    owned: list[tuple[ProjectId, Change]] = []
    orphans: list[DeadLetter] = []
    for change in changes:
        project = next((tenant for tenant in change.tenants if tenant in known), None)
        if project is None:
            reason = "neither projectId nor organizationId names a project"
            orphans.append(DeadLetter(None, STAGE, reason, change.pointer))
        else:
            owned.append((ProjectId(project), change))
    return sorted(owned, key=lambda pair: pair[0]), orphans


async def _apply_project(
    transaction: Transaction, project: ProjectId, changes: list[Change], applied: Applied
) -> list[DeadLetter]:
    """Apply the changes of one project; return the dead letters of ids that are another contact's."""
    await transaction.as_tenant(project, "hub_sync")
    letters: list[DeadLetter] = []
    for by_id in _rounds(changes):
        parameters = _parameters(project, list(by_id.values()))
        applied.written += await transaction.execute(SQL["apply_documents"], **parameters)
        await transaction.execute(SQL["touch_contacts"], **parameters)
        for row in await transaction.all(SQL["undecided"], **parameters):
            change = by_id[row["id"]]
            if row["foreign_contact"]:
                letters.append(_foreign_contact(project, change))
            else:
                applied.undecided.append((project, change))
    return letters


def _rounds(changes: list[Change]) -> list[dict[UUID, Change]]:
    """Return the changes by id; documents of several contacts with one id take turns, the first keeps the id."""
    rounds: list[dict[UUID, Change]] = []
    for change in changes:
        free = next((by_id for by_id in rounds if change.id not in by_id), None)
        if free is None:
            rounds.append(free := {})
        free[change.id] = change
    return rounds


def _parameters(project: ProjectId, changes: list[Change]) -> dict[str, Any]:
    rows = [change.row | {"contested": change.contested} for change in changes]
    return {"project_id": project, "documents": json.dumps(rows)}


def _foreign_contact(project: ProjectId, change: Change) -> DeadLetter:
    return DeadLetter(project, STAGE, "contactId: this id is already another contact's interaction", change.pointer)
