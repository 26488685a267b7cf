import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from local.checkout import STATE
from local.stack.host import HostProcess
from local.stack.stack import Stack
from schema.demo_project import seed
from tests.e2e.hub import SHORT, Hub

Running = tuple[Stack, HostProcess]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A stack and a host of a file's tests alone: they kill and stop its parts.

    Not of the whole run: a host that has nothing to do asks its queues ten times a second, and others pay for it.
    """
    state = STATE / f"test-{secrets.token_hex(4)}"
    stack = Stack(state, in_memory=True)
    stack.start()
    host = HostProcess(stack, settings=SHORT)
    yield stack, host
    host.stop()
    stack.stop()
    shutil.rmtree(state)


@pytest.fixture
async def hub(running: Running) -> AsyncIterator[Hub]:
    """A new project on the running hub."""
    async with aiohttp.ClientSession() as session:
        yield await _new_project(running, session)


@pytest.fixture
async def other_hub(running: Running) -> AsyncIterator[Hub]:
    """Another project on the same hub."""
    async with aiohttp.ClientSession() as session:
        yield await _new_project(running, session)


async def _new_project(running: Running, session: aiohttp.ClientSession) -> Hub:
    stack, host = running
    host.start()
    project = await asyncio.to_thread(seed, stack.owner_dsn(), stack.settings, secrets.token_hex(4))
    return Hub(stack, host, project, session)
