"""What the reconciler keeps in Postgres: its positions, its runs and what it found."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.errors import HubError
from shared.identifiers import ProjectId
from shared.stores.postgres import Postgres, Transaction
from shared.stores.sql import SqlBlocks
from shared.sync.reconcile_fields import Kind

SQL = SqlBlocks(Path(__file__).with_name("reconcile.sql"))


class Overtaken(HubError):
    """Another reconciler has moved the position meanwhile: it is at work, this one stops."""


@dataclass(slots=True)
class Tally:
    """How many interactions of a project were compared, and what became of them."""

    compared: int = 0
    differing: int = 0
    repaired: int = 0
    waiting: int = 0
    refused: bool = False

    def add(self, other: "Tally") -> None:
        """Count another window in."""
        self.compared += other.compared
        self.differing += other.differing
        self.repaired += other.repaired
        self.waiting += other.waiting
        self.refused = self.refused or other.refused


@dataclass(frozen=True, slots=True)
class Position:
    """A named position, as it was read."""

    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Tables:
    """Reads and writes them as `hub_sweeper`, who sees all projects."""

    postgres: Postgres

    async def projects(self) -> frozenset[UUID]:
        """Return every project."""
        async with self.postgres.sweeper() as transaction:
            return frozenset(row["id"] for row in await transaction.all(SQL["projects"]))

    async def position(self, name: str) -> Position:
        """Return a position; its text is None before the first move."""
        async with self.postgres.sweeper() as transaction:
            row = await transaction.one(SQL["position"], name=name)
        return Position(name, row["position"] if row else None)

    async def move(
        self, position: Position, after: str, started_at: datetime, tallies: dict[ProjectId, Tally]
    ) -> Position:
        """Move a position and count what its window came to, in one transaction. Raises Overtaken, nothing counted."""
        rows = [{"project_id": str(project)} | asdict(tally) for project, tally in sorted(tallies.items())]
        async with self.postgres.sweeper() as transaction:
            await transaction.execute(SQL["add_to_run"], started_at=started_at, tallies=json.dumps(rows))
            if not await transaction.execute(
                SQL["move_position"], name=position.name, before=position.text, after=after
            ):
                raise Overtaken(position.name)
        return Position(position.name, after)

    async def known_letters(self, stage: str, etags: Sequence[str]) -> set[str]:
        """Return which of these versions of documents have a dead letter of a stage."""
        async with self.postgres.sweeper() as transaction:
            rows = await transaction.all(SQL["known_letters"], stage=stage, etags=list(etags))
        return {row["etag"] for row in rows}

    async def open_findings(self, limit: int) -> dict[ProjectId, list[tuple[UUID, UUID]]]:
        """Return what is still open, by project: interaction and contact, the longest unseen first."""
        async with self.postgres.sweeper() as transaction:
            rows = await transaction.all(SQL["open_findings"], limit=limit)
        found: dict[ProjectId, list[tuple[UUID, UUID]]] = {}
        for row in rows:
            found.setdefault(ProjectId(row["project_id"]), []).append((row["interaction_id"], row["contact_id"]))
        return found

    async def keep(self, project: ProjectId, found: Iterable[tuple[UUID, UUID, Kind]], at: datetime) -> None:
        """Write down what differs: interaction, contact, in what."""
        rows = [
            {"interaction_id": str(interaction), "contact_id": str(contact), "kind": kind}
            for interaction, contact, kind in sorted(found)
        ]
        if rows:
            async with self.postgres.sweeper() as transaction:
                await transaction.execute(
                    SQL["keep_findings"], project_id=project, seen_at=at, findings=json.dumps(rows)
                )

    async def resolve(self, project: ProjectId, keys: Iterable[tuple[UUID, UUID]], at: datetime) -> None:
        """Write down that these agree."""
        rows = [{"interaction_id": str(interaction), "contact_id": str(contact)} for interaction, contact in keys]
        if rows:
            async with self.postgres.sweeper() as transaction:
                await transaction.execute(
                    SQL["resolve_findings"], project_id=project, resolved_at=at, findings=json.dumps(rows)
                )

    async def finish(self, started_at: datetime, finished_at: datetime, forget_before: datetime) -> None:
        """Close a run, and drop what nobody asks for any more."""
        async with self.postgres.sweeper() as transaction:
            await transaction.execute(SQL["finish_run"], started_at=started_at, finished_at=finished_at)
            await _forget(transaction, forget_before)


async def _forget(transaction: Transaction, before: datetime) -> None:
    await transaction.execute(SQL["forget_runs"], before=before)
    await transaction.execute(SQL["forget_findings"], before=before)
