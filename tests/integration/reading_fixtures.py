"""Fixtures of the tests that read the change feed; each of those files names this module as a plugin."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from azure.cosmos.aio import CosmosClient

from local.stack.stack import Stack
from schema.cosmos.containers import create_containers
from schema.demo_project import seed
from shared.clock import Clock
from shared.services import Services
from shared.settings import Settings
from tests.integration.reading_place import Place
from tests.integration.scratch import Scratch, scratch_database


@pytest.fixture(scope="module")
def reading_database(stack: Stack) -> Iterator[Scratch]:
    """A Postgres database of one test file alone."""
    with scratch_database(stack) as database:
        yield database


@pytest.fixture
async def place(stack: Stack, reading_database: Scratch) -> AsyncIterator[Place]:
    """A new project with containers of its own, where nothing was read yet."""
    name = f"reading-{secrets.token_hex(4)}"
    settings = stack.settings | {
        "COSMOS_DATABASE": name,
        "POSTGRES_DSN": reading_database.app,
        "DEAD_LETTER_LIMIT": "1000000",
    }
    opened: list[Services] = []

    def services(clock: Clock | None = None, **changed: str) -> Services:
        opened.append(Services(Settings(**settings | changed), clock))  # type: ignore[arg-type] # texts, as in the environment
        return opened[-1]

    def make_container() -> None:
        create_containers(stack.cosmos.endpoint, stack.secrets.cosmos_key, name)

    await asyncio.to_thread(make_container)
    project = await asyncio.to_thread(seed, reading_database.owner, settings, name)
    place = Place(stack, services(), project, reading_database.admin, settings, services, make_container)
    yield place
    place.forget()
    for hub in opened:
        await hub.close()
    async with CosmosClient.from_connection_string(settings["HubCosmos"]) as client:
        await client.delete_database(name)
