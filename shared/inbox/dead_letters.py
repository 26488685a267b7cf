"""Dead letters: work that can't succeed as it is, kept with its reason until an operator decides."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

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
        return sha256_hex(canonical_json([str(self.project_id), self.stage, storable(self.reason), self.payload]))


async def bury(transaction: Transaction, letter: DeadLetter) -> None:
    """Keep a dead letter. The transaction must be `hub_sweeper`'s, who may write those without a project."""
    await transaction.execute(
        SQL["insert_dead_letter"],
        project_id=letter.project_id,
        stage=letter.stage,
        reason=storable(letter.reason[:MAX_REASON_CHARACTERS]),  # it may quote a character of what was wrong
        payload=json.dumps(letter.payload),
        fingerprint=letter.fingerprint,
    )
    warning("dead_letter", stage=letter.stage, project=letter.project_id, fingerprint=letter.fingerprint[:12])
