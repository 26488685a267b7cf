import json
import os
import sys
from collections.abc import Mapping

from local.checkout import CHECKOUT
from local.stack.process import Child, Program
from local.stack.secrets import write_private
from local.stack.service import Service
from local.stack.stack import Stack

READY_SECONDS = 60


class HostProcess(Service):
    """The development Functions host on a started stack, in a process of its own that may be killed.

    `settings` are added to the stack's app settings, over them where names are equal. With a `port` other than the
    stack's own, several hosts work on one stack, as instances do in Azure; each has its own log.
    """

    name = "Functions host"
    stop_seconds = 30

    def __init__(self, stack: Stack, *, settings: Mapping[str, str] | None = None, port: int | None = None) -> None:
        super().__init__()
        self.port = port or stack.ports["host"]
        suffix = "" if self.port == stack.ports["host"] else f"-{self.port}"
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.key = stack.secrets.function_key
        self.admin_key = stack.secrets.master_key
        self.settings = stack.settings | {"PUBLIC_BASE_URL": self.base_url} | dict(settings or {})
        self.log = stack.logs / f"host{suffix}.log"
        self._file = stack.state / f"local.settings{suffix}.json"
        self._inherited = stack.inherited
        self._extra: Mapping[str, str] = {}

    def start(self, *, env: Mapping[str, str] | None = None) -> None:
        """Return when it serves; `env` holds variables of this start alone, e.g. FAILPOINTS. Raises Trouble."""
        if not self.alive():
            self._extra = env or {}
            write_private(self._file, json.dumps({"IsEncrypted": False, "Values": self.settings}, indent=2))
        super().start()

    def restart(self, *, env: Mapping[str, str] | None = None) -> None:
        """Stop it in order if it runs, then start it on the same port."""
        self.stop()
        self.start(env=env)

    def _program(self) -> Program:
        return Program(
            name=self.name,
            argv=(sys.executable, "-m", "local.host", "--settings", str(self._file), "--port", str(self.port)),
            log=self.log,
            cwd=CHECKOUT,
            # The host lets the environment win over the file; a POSTGRES_DSN of the user's shell is not meant here.
            env={**os.environ, **self.settings, "PYTHONUNBUFFERED": "1", **self._extra},
            keep_open=self._inherited,
        )

    def _wait_ready(self, child: Child) -> None:
        child.wait_for_line("ready ", seconds=READY_SECONDS)
