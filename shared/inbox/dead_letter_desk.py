"""What operators do with dead letters: list, inspect, replay, discard."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.errors import Rejected
from shared.failpoints import failpoint
from shared.identifiers import ProjectId
from shared.inbox.cursors import Before, next_cursor
from shared.inbox.dead_letters import SQL
from shared.models.dead_letters import MAX_REPLAYED, DeadLetterView, ReplayedItem, ReplayedView, ReplayIn
from shared.models.text import storable
from shared.models.views import Page
from shared.stores.postgres import Postgres, Transaction

Replay = Callable[[dict[str, Any]], Awaitable[None]]
Scope = ProjectId | None  # a project's letters, or those of no project


@dataclass(frozen=True, slots=True)
class DeadLetterDesk:
    """Decides about letters, once: of two who replay one letter at the same time, one does.

    `senders` put a stage's work into a queue; they run in the transaction that marks the letter. `appliers` do the
    work themselves, and write letters of their own when it fails again: they run before.
    """

    postgres: Postgres
    senders: Mapping[str, Replay]
    appliers: Mapping[str, Replay]

    async def page(self, scope: Scope, page: Before, *, state: str | None, stage: str | None) -> Page[DeadLetterView]:
        """Return letters, newest first."""
        if state not in {None, "open", "replayed", "discarded"}:
            raise Rejected(400, "state must be open, replayed or discarded", field="state")
        async with self._open(scope) as transaction:
            rows = await transaction.all(
                SQL["list_dead_letters"],
                project_id=scope,
                state=state,
                stage=storable(stage) if stage else None,
                **page.parameters(),
            )
        views = [DeadLetterView(**row) for row in rows[: page.limit]]
        return Page[DeadLetterView](items=views, next_cursor=next_cursor(rows, page, "created_at"))

    async def get(self, scope: Scope, letter: UUID) -> DeadLetterView:
        """Return one letter. Raises Rejected 404 when the scope has none of this id."""
        async with self._open(scope) as transaction:
            return await _get(transaction, scope, letter)

    async def replay(self, scope: Scope, letter: UUID) -> DeadLetterView:
        """Do a letter's work again, and return the letter; one that is replayed already is left alone.

        Raises Rejected 404, or 409 for one that is discarded or can't be replayed.
        """
        found = await self.get(scope, letter)
        if found.state == "discarded":
            raise Rejected(409, "the letter is discarded", field="id")
        if found.state == "open":
            await self._replay(scope, found)
        return await self.get(scope, letter)

    async def replay_many(self, scope: Scope, wanted: ReplayIn) -> ReplayedView:
        """Replay up to 100 letters, one after the other; what can't be replayed is told and does not stop the rest."""
        letters = wanted.ids or await self._oldest(scope, wanted.stage or "")
        return ReplayedView(items=[await self._try(scope, letter) for letter in dict.fromkeys(letters)])

    async def discard(self, scope: Scope, letter: UUID, reason: str) -> DeadLetterView:
        """Mark a letter as needing no more work. Raises Rejected 404, or 409 for one that is replayed."""
        async with self._open(scope) as transaction:
            text = storable(reason)
            await transaction.execute(SQL["discard_dead_letter"], project_id=scope, id=letter, reason=text)
            found = await _get(transaction, scope, letter)
        if found.state != "discarded":
            raise Rejected(409, "the letter is replayed: it is open again if that fails", field="id")
        return found

    async def _replay(self, scope: Scope, found: DeadLetterView) -> None:
        claim = {"project_id": scope, "id": found.id}
        send, apply = self.senders.get(found.stage), self.appliers.get(found.stage)
        if send:
            async with self._open(scope) as transaction:
                if await transaction.one(SQL["mark_replayed"], **claim, seen=None):
                    failpoint("replay.claimed")
                    # Before the commit: a crash in between sends twice, the other order would lose the work.
                    await send(found.payload)
                    failpoint("replay.enqueued")
        elif apply:
            await apply(found.payload)
            async with self._open(scope) as transaction:
                await transaction.one(SQL["mark_replayed"], **claim, seen=found.seen)
        else:
            raise Rejected(409, f"letters of {found.stage} can't be replayed", field="id")
        failpoint("replay.marked")

    async def _try(self, scope: Scope, letter: UUID) -> ReplayedItem:
        try:
            return ReplayedItem(id=letter, state=(await self.replay(scope, letter)).state, detail=None)
        except Rejected as error:
            return ReplayedItem(id=letter, state=None, detail=error.detail)

    async def _oldest(self, scope: Scope, stage: str) -> list[UUID]:
        async with self._open(scope) as transaction:
            values = {"project_id": scope, "stage": storable(stage), "limit": MAX_REPLAYED}
            return [row["id"] for row in await transaction.all(SQL["oldest_open"], **values)]

    def _open(self, scope: Scope) -> AbstractAsyncContextManager[Transaction]:
        return self.postgres.sweeper() if scope is None else self.postgres.tenant(scope)


async def _get(transaction: Transaction, scope: Scope, letter: UUID) -> DeadLetterView:
    row = await transaction.one(SQL["get_dead_letter"], project_id=scope, id=letter)
    if row is None:
        raise Rejected(404, "there is no such dead letter", field="id")
    return DeadLetterView(**row)
