from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from local.stack.azurite import Azurite
from local.stack.node import Node
from local.stack.ports import free_port


@pytest.fixture
def azurite(tmp_path: Path, node: Node) -> Iterator[Azurite]:
    """A server of this test alone, keeping its files, started."""
    blob = free_port()
    log = tmp_path / "azurite.log"
    server = Azurite(tmp_path / "azurite", node, blob_port=blob, queue_port=free_port([blob]), log=log)
    server.start()
    yield server
    server.stop()


def test_everything_acknowledged_survives_a_restart(azurite: Azurite) -> None:
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string) as blobs,
        QueueClient.from_connection_string(azurite.connection_string, "kept-work") as queue,
    ):
        container = blobs.create_container("kept")
        queue.create_queue()
        container.upload_blob("raw", b"bytes")
        queue.send_message("work", time_to_live=-1)
        azurite.restart()
        assert container.download_blob("raw").readall() == b"bytes"
        assert [message.content for message in queue.receive_messages()] == ["work"]


def test_a_stop_is_clean(azurite: Azurite) -> None:
    azurite.stop()
    assert azurite.wait_dead(seconds=5) == 0
