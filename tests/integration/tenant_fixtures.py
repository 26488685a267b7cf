"""Fixtures of the tests that work on a project; each of those files names this module as a plugin."""

import secrets
from collections.abc import AsyncIterator, Callable

import pytest

from local.stack.stack import Stack
from schema.demo_project import seed
from shared.services import Services
from shared.settings import Settings
from tests.integration.tenant import Tenant


@pytest.fixture(scope="session")
async def services(stack: Stack) -> AsyncIterator[Services]:
    """The application's parts on the real local stack."""
    made = Services(Settings(**stack.settings))  # type: ignore[arg-type] # names and texts as in the environment
    yield made
    await made.close()


@pytest.fixture(scope="session")
def make_tenant(stack: Stack, services: Services) -> Callable[[], Tenant]:
    def make() -> Tenant:
        # The seed runs an event loop of its own, so it is done where none runs: in fixtures that are no coroutines.
        return Tenant(stack, services, seed(stack.owner_dsn(), stack.settings, secrets.token_hex(8)))

    return make


@pytest.fixture
def tenant(make_tenant: Callable[[], Tenant]) -> Tenant:
    """A new project."""
    return make_tenant()


@pytest.fixture
def other_tenant(make_tenant: Callable[[], Tenant]) -> Tenant:
    """Another new project."""
    return make_tenant()
