"""Fixtures of the tests that drive the application's parts on the stack; each test file names it as a plugin."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from local.stack.stack import Stack
from schema.demo_project import seed
from shared.clock import Clock
from shared.services import Services
from shared.settings import Settings
from tests.integration.tenant import Tenant


@pytest.fixture
async def tenant(stack: Stack) -> AsyncIterator[Tenant]:
    """A new project, and queues without messages."""
    opened: list[Services] = []

    def services(clock: Clock | None = None, **changed: str) -> Services:
        settings = stack.settings | {"SOURCE_CACHE_SECONDS": "0", "DEAD_LETTER_LIMIT": "1000000"} | changed
        opened.append(Services(Settings(**settings), clock))  # type: ignore[arg-type] # texts, as in the environment
        return opened[-1]

    project = await asyncio.to_thread(seed, stack.owner_dsn(), stack.settings, secrets.token_hex(4))
    tenant = Tenant(stack, project, services(), services)
    tenant.empty_queues()
    yield tenant
    for hub in opened:
        await hub.close()


@pytest.fixture
async def other_tenant(tenant: Tenant) -> Tenant:
    """Another project on the same parts."""
    name = secrets.token_hex(4)
    project = await asyncio.to_thread(seed, tenant.stack.owner_dsn(), tenant.stack.settings, name)
    return Tenant(tenant.stack, project, tenant.hub, tenant.services)
