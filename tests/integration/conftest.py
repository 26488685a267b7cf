from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack.node import Node, ready_node
from local.stack.ports import free_port
from local.stack.postgres import Postgres


@pytest.fixture(scope="session")
def node() -> Node:
    """A Node with the stack's packages."""
    return ready_node()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A Postgres of this test alone, not started, to be killed and restarted at will."""
    server = Postgres(tmp_path / "postgres", port=free_port(), password="secret", log=tmp_path / "postgres.log")
    yield server
    server.stop()
