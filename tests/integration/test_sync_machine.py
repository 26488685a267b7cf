"""Both stores agree whatever happens to the feed, its hosts and its readers: hundreds of seeds against the oracle."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.scratch import Scratch
from tests.sync_machine.events import KINDS, Event, script
from tests.sync_machine.lane import Lane, run_seeds
from tests.sync_machine.stateful import machine_of
from tests.sync_machine.writers import DOCUMENTS

pytest_plugins = ["tests.sync_machine.fixtures"]

SEEDS = int(os.environ.get("SYNC_MACHINE_SEEDS", "200"))
FIRST = int(os.environ.get("SYNC_MACHINE_FIRST_SEED", "0"))
EVENTS = 500
LATE_BY = 10_000


@pytest.mark.timeout(0)
async def test_postgres_ends_as_the_container_whatever_happens_between_them(
    lanes: list[Lane], capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = range(FIRST, FIRST + SEEDS)
    run = await run_seeds(lanes, seeds, EVENTS)
    with capsys.disabled():
        print(f"\nsync machine, seeds {seeds.start} to {seeds.stop - 1}, {EVENTS} events each: {run.described}")  # noqa: T201 # what the run is for
    assert run.failures == [], "\n".join(map(str, run.failures))
    assert run.refused == {}, "two owners at once wait for each other, or fail"
    assert set(run.kills) == {"before", "statement", "position", "commit", "after"}
    assert min(run.settled, run.expiries, run.splits, run.batches) > 0


def test_no_short_sequence_of_events_makes_them_differ(databases: list[Scratch]) -> None:
    with machine_of(databases[0]) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )


async def test_an_owner_that_is_ten_thousand_events_late_changes_nothing(lane: Lane) -> None:
    def late() -> Iterator[Event]:
        for doc in range(DOCUMENTS):
            yield Event("write", {"doc": doc, "how": "own", "wait": 0})
        yield Event("pull_held", {})
        yield Event("steal", {"partition": 0, "size": 20})
        written = [event for event in script(1, 3 * LATE_BY) if KINDS[event.kind].writes]
        for count, event in enumerate(written[:LATE_BY]):
            yield event
            if count % 200 == 0:
                yield Event("pull", {"pages": 10})
        yield Event("wake", {"which": 0})
        yield Event("pull_wake", {})

    assert await lane.run(late()) is None


def test_a_seed_is_the_same_events_for_ever() -> None:
    assert script(7, 300) == script(7, 500)[:300]
    assert script(7, 300) != script(8, 300)
