"""Fixtures of the tests that run the machine; each of those files names this module as a plugin."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack

import pytest

from local.stack.stack import Stack
from tests.integration.scratch import Scratch, scratch_database
from tests.sync_machine.lane import Lane, open_lane

LANES = 2


@pytest.fixture(scope="module")
def databases(stack: Stack) -> Iterator[list[Scratch]]:
    """A database for each lane."""
    with ExitStack() as opened:
        yield [opened.enter_context(scratch_database(stack)) for _ in range(LANES)]


@pytest.fixture(scope="module")
async def lanes(databases: list[Scratch]) -> AsyncIterator[list[Lane]]:
    """Lanes, to be run side by side."""
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(open_lane(each)) for each in databases]


@pytest.fixture(scope="module")
def lane(lanes: list[Lane]) -> Lane:
    """One lane."""
    return lanes[0]
