"""Kills a consumer at a chosen place: what it had begun in Postgres is rolled back, as when its process dies."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, LiteralString

from shared.stores.cosmos import Document
from shared.stores.postgres import Postgres, Row, Statement, Transaction
from shared.sync.apply import Applied, Sync

PLACES = ("before", "statement 2", "statement 3", "statement 4", "position", "commit", "after")


class Killed(BaseException):
    """The consumer is dead: no handler of the application may catch it."""


class Saboteur:
    """Armed with one of `PLACES` it kills once, and is disarmed."""

    def __init__(self) -> None:
        self.place = ""
        self.kills: Counter[str] = Counter()

    def arm(self, place: str) -> None:
        self.place = place

    def strike(self, place: str) -> None:
        """Kill when armed with `place`."""
        if self.place == place:
            self.place = ""
            self.kills[place.partition(" ")[0]] += 1
            raise Killed(place)

    def statement(self) -> None:
        """Count down to the statement that is the last."""
        kind, _, left = self.place.partition(" ")
        if kind == "statement":
            self.strike("statement 1")
            self.place = f"statement {int(left) - 1}"


class WatchedTransaction(Transaction):
    """A transaction whose statements are counted."""

    saboteur: Saboteur

    async def execute(self, query: LiteralString, **parameters: Any) -> int:
        self.saboteur.statement()
        return await super().execute(query, **parameters)

    async def one(self, query: LiteralString, **parameters: Any) -> Row | None:
        self.saboteur.statement()
        return await super().one(query, **parameters)

    async def all(self, query: LiteralString, **parameters: Any) -> list[Row]:
        self.saboteur.statement()
        return await super().all(query, **parameters)

    async def together(self, statements: Iterable[Statement]) -> list[list[Row]]:
        self.saboteur.statement()
        return await super().together(statements)


class WatchedPostgres(Postgres):
    """The real Postgres, with counted statements."""

    def __init__(self, real: Postgres, saboteur: Saboteur) -> None:
        self.real = real
        self.saboteur = saboteur

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self.real.transaction() as transaction:
            transaction.__class__ = WatchedTransaction
            transaction.saboteur = self.saboteur  # type: ignore[attr-defined] # its class is the watched one now
            yield transaction


class WatchedSync(Sync):
    """The real Sync, killed before, within or after a batch."""

    async def apply_changes(
        self, documents: list[Document], *, commit_with: Callable[[Transaction], Awaitable[None]] | None = None
    ) -> Applied:
        assert isinstance(self.postgres, WatchedPostgres)
        saboteur = self.postgres.saboteur

        async def position(transaction: Transaction) -> None:
            saboteur.strike("position")
            if commit_with:
                await commit_with(transaction)
            saboteur.strike("commit")

        saboteur.strike("before")
        applied = await super().apply_changes(documents, commit_with=position)
        saboteur.strike("after")
        return applied
