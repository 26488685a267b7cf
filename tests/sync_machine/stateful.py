"""The machine as Hypothesis drives it: it looks for the fewest events that violate, instead of for volume."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.integration.scratch import Scratch
from tests.sync_machine.events import KINDS, Event
from tests.sync_machine.lane import open_lane


@contextmanager
def machine_of(scratch: Scratch) -> Iterator[type[RuleBasedStateMachine]]:
    """Yield a state machine on a database, with an event loop of its own: its rules are no coroutines."""
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()
        lane = runner.run(opened.enter_async_context(open_lane(scratch)))

        class Machine(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.world = runner.run(lane.world(projects=2))

            def happen(self, event: Event) -> None:
                runner.run(self.world.perform(event))

            def teardown(self) -> None:
                try:
                    runner.run(self.world.finish())
                finally:
                    runner.run(self.world.close())

        try:
            yield type("SyncMachine", (Machine,), {kind: _rule(kind) for kind in KINDS})
        finally:
            runner.run(opened.aclose())


def _rule(kind: str) -> Any:
    drawn: dict[str, Any] = {name: st.sampled_from(pool) for name, pool in KINDS[kind].values.items()}

    def happen(machine: Any, **values: Any) -> None:
        machine.happen(Event(kind, values))

    happen.__name__ = kind
    decorate: Callable[[Any], Any] = rule(**drawn)
    return decorate(happen)
