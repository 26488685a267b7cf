import sys

from local.checkout import CHECKOUT
from local.stack.process import Child, Program
from local.stack.service import Service
from local.stack.stack import Stack

READY_SECONDS = 30


class ScriptedModel(Service):
    """The tests' model server in a process of its own; `base_url` exists once it was started."""

    name = "Scripted model"
    key = "scripted-key"
    base_url: str

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.log = stack.logs / "model.log"
        self._inherited = stack.inherited

    def _program(self) -> Program:
        return Program(
            name=self.name,
            argv=(sys.executable, "-m", "tests.model_server", "--key", self.key),
            log=self.log,
            cwd=CHECKOUT,
            keep_open=self._inherited,
        )

    def _wait_ready(self, child: Child) -> None:
        self.base_url = child.wait_for_line("ready ", seconds=READY_SECONDS).split()[1]
