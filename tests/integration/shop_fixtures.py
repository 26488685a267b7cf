"""Fixtures of the tests that work on a project; each of those files names this module as a plugin."""

import secrets
from collections.abc import AsyncIterator, Callable

import pytest

from local.stack.stack import Stack
from schema.demo_project import seed
from shared.services import Services
from shared.settings import Settings
from tests.integration.shop import Shop


@pytest.fixture(scope="session")
async def shop_services(stack: Stack) -> AsyncIterator[Services]:
    """The application's parts on the real local stack."""
    made = Services(Settings(**stack.settings | {"DEAD_LETTER_LIMIT": "1000000"}))  # type: ignore[arg-type] # names and texts as in the environment
    yield made
    await made.close()


@pytest.fixture(scope="session")
def make_shop(stack: Stack, shop_services: Services) -> Callable[[], Shop]:
    def make() -> Shop:
        # The seed runs an event loop of its own, so it is done where none runs: in fixtures that are no coroutines.
        return Shop(stack, shop_services, seed(stack.owner_dsn(), stack.settings, secrets.token_hex(8)))

    return make


@pytest.fixture
def shop(make_shop: Callable[[], Shop]) -> Shop:
    """A new project."""
    return make_shop()


@pytest.fixture
def other_shop(make_shop: Callable[[], Shop]) -> Shop:
    """Another new project."""
    return make_shop()
