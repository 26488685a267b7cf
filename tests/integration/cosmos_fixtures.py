"""Fixtures of the tests of the local Cosmos DB server; each of its test files names this module as a plugin."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from azure.cosmos.aio import ContainerProxy, CosmosClient

from local.stack.node import Node
from tests.integration.cosmos_server import KEY, CosmosServer, open_container


@pytest.fixture
def make_cosmos(node: Node, tmp_path: Path) -> Iterator[Callable[[str], CosmosServer]]:
    servers: list[CosmosServer] = []

    def make(name: str) -> CosmosServer:
        servers.append(CosmosServer(node, tmp_path / name))
        return servers[-1]

    yield make
    for server in servers:
        server.stop(signal.SIGKILL)


@pytest.fixture
def own_cosmos(make_cosmos: Callable[[str], CosmosServer]) -> CosmosServer:
    """A server that the test may stop, kill and start again."""
    server = make_cosmos("data")
    server.start()
    return server


@pytest.fixture(scope="module")
def shared_cosmos(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CosmosServer]:
    server = CosmosServer(node, tmp_path_factory.mktemp("cosmos"))
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture
async def client(shared_cosmos: CosmosServer) -> AsyncIterator[CosmosClient]:
    async with CosmosClient(shared_cosmos.url, KEY) as client:
        yield client


@pytest.fixture
async def container(client: CosmosClient, request: pytest.FixtureRequest) -> ContainerProxy:
    return await open_container(client, request.node.name[:200])
