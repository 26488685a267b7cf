"""apply_changes: the one way by which shared interaction fields reach Postgres.

Order is never trusted. A version is newer when both clocks say so: applied order = max(version, `_ts` · 10⁶), and the
later `_ts`. What they can't decide (written within one second by someone who may have kept or dropped `version`, or
with a `version` from a wrong clock) is settled by reading the document itself under the row's lock.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from shared.failpoints import failpoint
from shared.inbox.dead_letters import DeadLetter, DeadLetterLimit, bury
from shared.stores.cosmos import Document, Documents
from shared.stores.postgres import Postgres, Transaction
from shared.sync.batch import Batch
from shared.sync.changes import STAGE
from shared.sync.projects import KnownProjects, by_first_name
from shared.sync.rows import touch_contacts, write_rows
from shared.sync.settle import settle


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch: rows written, documents settled by reading them, dead letters kept."""

    written: int = 0
    settled: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Sync:
    """Applies documents from any reader of the feed. Running twice, late or out of order gives the same rows."""

    postgres: Postgres
    documents: Documents
    limit: DeadLetterLimit = field(default_factory=DeadLetterLimit)
    _projects: KnownProjects = field(default_factory=KnownProjects, init=False)

    async def apply_changes(
        self, documents: list[Document], *, commit_with: Callable[[Transaction], Awaitable[None]] | None = None
    ) -> Applied:
        """Apply a batch in one transaction. A document that can't be applied becomes a dead letter, the rest go on.

        `commit_with` writes last in the same transaction, a reader's position for one; what it raises undoes the batch
        and comes through. Raises Transient, or Contended, with nothing of the batch written: a store is away, or there
        were too many dead letters lately.
        """
        async with self.postgres.transaction() as transaction:
            applied = await self._apply(transaction, documents)
            failpoint("sync.applied")
            if commit_with:
                await commit_with(transaction)
            failpoint("sync.committing")
        failpoint("sync.committed")
        return applied

    async def _apply(self, transaction: Transaction, documents: list[Document]) -> Applied:
        """Take locks in one order whatever the batch: those of interactions, then of contacts, then of letters."""
        named = by_first_name(documents)
        batch = Batch(named, await self._projects.named_by(transaction, named))
        written = await write_rows(transaction, batch)
        failpoint("sync.rows_written")
        settled = await settle(transaction, self.documents, written.undecided)
        await touch_contacts(transaction, [*written.behind, *settled.behind])
        letters = [*written.letters, *settled.letters]
        await self._bury(transaction, letters)
        return Applied(written.rows, settled.rows, len(letters))

    async def _bury(self, transaction: Transaction, letters: Iterable[DeadLetter]) -> None:
        in_order = sorted(letters, key=lambda letter: letter.fingerprint)
        if in_order:
            await transaction.as_role("hub_sweeper")
            await self.limit.check(transaction, STAGE)
        for letter in in_order:
            await bury(transaction, letter)
