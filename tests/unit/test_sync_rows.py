"""Writing rows that others insert at the same time."""

from collections.abc import Iterable
from typing import cast

import pytest

from shared.errors import Contended
from shared.stores.postgres import Row, Statement, Transaction
from shared.sync.batch import Batch
from shared.sync.rows import RACES, write_rows


class Raced:
    """A transaction in which someone else is first `times` times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.tries = self.begun_again = 0

    async def together(self, statements: Iterable[Statement]) -> list[list[Row]]:
        if self.tries < self.times:
            self.tries += 1
            raise Contended("Postgres: UniqueViolation")
        return [[] for _ in statements]

    async def start_again(self) -> None:
        self.begun_again += 1


async def write(transaction: Raced) -> None:
    await write_rows(cast("Transaction", transaction), Batch({}, {}))


async def test_a_batch_begins_again_when_someone_else_was_first() -> None:
    raced = Raced(RACES - 1)
    await write(raced)
    assert raced.begun_again == RACES - 1


async def test_rows_that_others_keep_inserting_are_left_to_the_next_bringing() -> None:
    raced = Raced(RACES)
    with pytest.raises(Contended):
        await write(raced)
    assert raced.begun_again == RACES - 1
