"""The machine sees: with any one of sync's controls taken away, one of its first seeds finds the stores to differ.

That none does with all in place is `test_sync_machine`, of the same seeds.
"""

from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from shared.errors import Permanent
from shared.inbox.dead_letters import DeadLetter
from shared.stores.cosmos import Document
from shared.stores.postgres import Transaction
from shared.sync import apply
from shared.sync.apply import Applied, Sync
from shared.sync.changes import read_change
from shared.sync.settle import Settled
from tests.sync_machine.container import START_MICROSECONDS
from tests.sync_machine.events import script
from tests.sync_machine.lane import Lane, run_seeds

pytest_plugins = ["tests.sync_machine.fixtures"]

SEEDS = range(6)
EVENTS = 400
CommitWith = Callable[[Transaction], Awaitable[None]]
Alter = Callable[[Document], Document]


def alter(monkeypatch: pytest.MonkeyPatch, altered: Alter) -> None:
    """Let sync see altered documents, in which what a control goes by is missing."""
    real = Sync.apply_changes

    async def apply_altered(self: Sync, documents: list[Document], *, commit_with: CommitWith | None = None) -> Applied:
        return await real(self, [altered(document) for document in documents], commit_with=commit_with)

    monkeypatch.setattr(Sync, "apply_changes", apply_altered)


async def violation(lane: Lane, *, pulls: bool = True) -> str:
    """Return what the first seed that violates violates, and nothing when none does."""
    for seed in SEEDS:
        found = await lane.run(script(seed, EVENTS), pulls=pulls)
        if found:
            return str(found)
    return ""


async def test_without_the_order_rule_the_machine_finds_an_older_version(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival = count(START_MICROSECONDS // 1_000_000)
    alter(monkeypatch, lambda document: document | {"_ts": next(arrival), "version": 0})
    assert "holds" in await violation(lane)


async def test_without_reading_what_the_clocks_can_not_tell_the_machine_finds_an_older_version(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unsettled(*_: object) -> Settled:
        return Settled()

    monkeypatch.setattr(apply, "settle", unsettled)
    assert "holds" in await violation(lane)


async def test_without_tombstones_the_machine_finds_a_row_that_should_be_gone(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    alter(monkeypatch, lambda document: document | {"deleted": False})
    assert "deleted at None" in await violation(lane)


async def test_a_violation_is_shown_with_the_fewest_events_that_do_it(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    alter(monkeypatch, lambda document: document | {"deleted": False})
    (failure,) = (await run_seeds([lane], [0], 100)).failures
    assert [event.kind for event in failure.events] == ["delete"]
    assert str(failure).startswith("seed 0: ")
    assert str(failure).endswith(f"\n  {failure.events[0]}")


async def test_with_the_position_in_a_transaction_before_the_rows_the_machine_finds_a_gap(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Sync.apply_changes

    async def position_first(
        self: Sync, documents: list[Document], *, commit_with: CommitWith | None = None
    ) -> Applied:
        if commit_with:
            async with self.postgres.transaction() as transaction:
                await commit_with(transaction)
        return await real(self, documents)

    monkeypatch.setattr(Sync, "apply_changes", position_first)
    assert "the position is behind" in await violation(lane)


async def test_without_a_catch_for_each_document_the_machine_finds_a_reader_that_is_stuck(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(document: Document) -> Document:
        read = read_change(document)
        if isinstance(read, DeadLetter):
            raise Permanent(read.reason)
        return document

    alter(monkeypatch, strict)
    assert "does not come to the end" in await violation(lane)


async def test_without_the_pull_reader_the_machine_finds_what_the_host_swallowed(lane: Lane) -> None:
    assert "holds" in await violation(lane, pulls=False)
