"""The local Cosmos DB server of `local/cosmos/`, through the official SDK."""

from pathlib import Path

from local.stack.node import PROJECT, Node
from local.stack.ports import LOOPBACK
from local.stack.process import Child, Program
from local.stack.service import Service

READY_SECONDS = 60


class Cosmos(Service):
    """One server: its journal in `directory`, its port and account key given."""

    name = "Cosmos DB server"

    def __init__(
        self, directory: Path, node: Node, *, port: int, key: str, log: Path, keep_open: tuple[int, ...] = ()
    ) -> None:
        super().__init__()
        self.port = port
        self.key = key
        self._directory = directory
        self._node = node
        self._log = log
        self._keep_open = keep_open

    @property
    def endpoint(self) -> str:
        """The account's address."""
        return f"http://{LOOPBACK}:{self.port}/"

    @property
    def connection_string(self) -> str:
        """For the SDK and for the `connection=` of triggers."""
        return f"AccountEndpoint={self.endpoint};AccountKey={self.key};"

    def _program(self) -> Program:
        self._directory.mkdir(parents=True, exist_ok=True)
        script = str(PROJECT / "cosmos" / "server.js")
        return Program(
            name=self.name,
            argv=(str(self._node.binary), script, "--port", str(self.port), "--data", str(self._directory)),
            log=self._log,
            cwd=self._directory,
            keep_open=self._keep_open,
        )

    def _wait_ready(self, child: Child) -> None:
        child.wait_for_line("ready ", seconds=READY_SECONDS)
