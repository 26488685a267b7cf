"""Azurite: Blob and Queue storage of the local stack, through the official SDKs."""

import http.client
from pathlib import Path

from local.stack.node import Node, package_script
from local.stack.ports import LOOPBACK
from local.stack.process import Child, Program
from local.stack.service import Service

# The account every Azurite has; the key is public and part of its documentation.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
READY_SECONDS = 60
LAST_START = "Azurite Table service is successfully listening"


class Azurite(Service):
    """One server: its files in `directory`, or none of them when `in_memory`.

    `kill` loses what it acknowledged in the last seconds, even whole queues: real storage never does, so a test proves
    nothing by it. `stop` keeps everything.
    """

    name = "Azurite"
    stop_seconds = 30

    def __init__(
        self,
        directory: Path,
        node: Node,
        *,
        blob_port: int,
        queue_port: int,
        log: Path,
        in_memory: bool = False,
        keep_open: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.blob_port = blob_port
        self.queue_port = queue_port
        self._directory = directory
        self._node = node
        self._log = log
        self._in_memory = in_memory
        self._keep_open = keep_open

    @property
    def connection_string(self) -> str:
        """For the SDKs: this server's blobs and queues."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint=http://{LOOPBACK}:{self.blob_port}/{ACCOUNT};"
            f"QueueEndpoint=http://{LOOPBACK}:{self.queue_port}/{ACCOUNT};"
        )

    def _program(self) -> Program:
        options = (
            *("--blobHost", LOOPBACK, "--blobPort", str(self.blob_port)),
            *("--queueHost", LOOPBACK, "--queuePort", str(self.queue_port)),
            *("--tableHost", LOOPBACK, "--tablePort", "0"),  # it can't be switched off; 0 lets it take any port
            *("--silent", "--disableTelemetry", "--skipApiVersionCheck"),
        )
        # It refuses both at once.
        persistence = ("--inMemoryPersistence",) if self._in_memory else ("--location", str(self._directory))
        script = package_script(self._node, "azurite", "dist", "src", "azurite.js")
        self._directory.mkdir(parents=True, exist_ok=True)
        return Program(
            name=self.name,
            argv=(*script, *options, *persistence),
            log=self._log,
            cwd=self._directory,
            keep_open=self._keep_open,
        )

    def _wait_ready(self, child: Child) -> None:
        # A SIGTERM that comes before its handler loses what it acknowledged. It says this line in the turn of its event
        # loop that installs the handler, so an answer after the line comes from a later turn.
        child.wait_for_line(LAST_START, seconds=READY_SECONDS)
        child.wait_until(lambda: _answers(self.blob_port) and _answers(self.queue_port), seconds=READY_SECONDS)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("HEAD", f"/{ACCOUNT}")
        connection.getresponse()
    except OSError:
        return False
    else:
        return True
    finally:
        connection.close()
