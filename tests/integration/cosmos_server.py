"""One server process, and what the tests of the local Cosmos DB server do with it through the SDK."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient

from local.stack.node import PROJECT, Node
from local.stack.ports import free_port

Document = dict[str, Any]

KEY = "bG9jYWw="


class CosmosServer:
    """One server process over a data directory that outlives it."""

    def __init__(self, node: Node, data: Path) -> None:
        self.node = node
        self.data = data
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def journal(self) -> Path:
        return self.data / "journal.jsonl"

    def start(self, **environment: str) -> None:
        script = str(PROJECT / "cosmos" / "server.js")
        self.process = subprocess.Popen(
            [str(self.node.binary), script, "--port", str(self.port), "--data", str(self.data)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        output = []
        for line in self.process.stdout:
            if line.startswith("ready "):
                assert line == f"ready {self.url}\n"
                return
            output.append(line)
        pytest.fail(f"the server did not start: {''.join(output)}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def restart(self, how: signal.Signals = signal.SIGTERM, **environment: str) -> None:
        self.stop(how)
        self.start(**environment)


async def open_container(client: CosmosClient, name: str = "items", default_ttl: int | None = None) -> ContainerProxy:
    database = await client.create_database_if_not_exists("hub")
    return await database.create_container_if_not_exists(name, PartitionKey("/contactId"), default_ttl=default_ttl)


def item(item_id: str, contact: str = "anna", **fields: object) -> Document:
    return {"id": item_id, "contactId": contact, **fields}


def ids(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(document["id"]) for document in documents]


async def query(container: ContainerProxy, sql: str, **options: Any) -> list[Any]:
    return [row async for row in container.query_items(sql, **options)]


async def read_feed(container: ContainerProxy, **start: Any) -> tuple[list[Document], str]:
    """All changes there are, and the token behind them.

    The token is taken from the headers of this pager's own last answer, into which the SDK puts its continuation
    after the hook; `pager.continuation_token` is not moved by the empty page that ends each read.
    """
    answers: list[Mapping[str, str]] = []
    pager = container.query_items_change_feed(
        **start, response_hook=lambda headers, _body: answers.append(headers)
    ).by_page()
    documents = [document async for page in pager async for document in page]
    return documents, answers[-1]["etag"]
