"""Dead letters: work that can't succeed as it is, kept with its reason until an operator decides."""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.errors import Transient
from shared.identifiers import canonical_json, sha256_hex
from shared.models.text import storable
from shared.stores.postgres import Transaction
from shared.stores.sql import SqlBlocks
from shared.telemetry import warning

SQL = SqlBlocks(Path(__file__).with_name("dead_letters.sql"))
MAX_REASON_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`payload` points at the work (ids, names), it holds no content; `project_id` is None where none could be told."""

    project_id: UUID | None
    stage: str
    reason: str
    payload: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """The same work failing for the same reason at the same stage is one dead letter, seen more than once."""
        work = {name: value for name, value in self.payload.items() if name != "attempt"}
        return sha256_hex(canonical_json([str(self.project_id), self.stage, storable(self.reason), work]))


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """How many open letters one step may leave within a window before it has to wait.

    After a bad deploy a consumer would otherwise turn all that it reads into dead letters. What is discarded or
    replayed no longer counts, so an operator opens the step again.
    """

    letters: int = 100
    window: timedelta = timedelta(minutes=10)

    async def check(self, transaction: Transaction, stage: str) -> None:
        """Raise Transient when the step has reached the limit. The transaction must be `hub_sweeper`'s."""
        verdict = await self.reached(transaction, stage)
        if verdict:
            raise verdict

    async def reached(self, transaction: Transaction, stage: str) -> Transient | None:
        """Return what `check` raises, None below the limit."""
        row = await transaction.one(SQL["count_dead_letters"], stage=stage, window=self.window, limit=self.letters)
        if not row or row["found"] < self.letters:
            return None
        seconds = self.window.total_seconds()
        warning("dead_letters.limit", stage=stage, letters=self.letters, window_seconds=seconds)
        return Transient(f"too many dead letters at {stage}: {self.letters} in {seconds:g} s")


async def bury(transaction: Transaction, letter: DeadLetter) -> None:
    """Keep a dead letter. The transaction must be `hub_sweeper`'s, who may write those without a project."""
    values = {
        "stage": letter.stage,
        "reason": storable(letter.reason[:MAX_REASON_CHARACTERS]),  # it may quote a character of what was wrong
        "payload": json.dumps(letter.payload),
        "fingerprint": letter.fingerprint,
    }
    if not await transaction.execute(SQL["reopen_dead_letter"], **values):
        await transaction.execute(SQL["insert_dead_letter"], project_id=letter.project_id, **values)
    warning("dead_letter", stage=letter.stage, project=letter.project_id, fingerprint=letter.fingerprint[:12])
