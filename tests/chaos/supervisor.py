"""Starts the hub with failpoints armed, sees what they did, and starts it again."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from local.checkout import CHECKOUT
from local.stack.stack import Stack

READY_SECONDS = 120
STOP_SECONDS = 30
FIRED = re.compile(rb"^failpoint (\S+) (\S+)$", re.MULTILINE)


class Supervisor:
    """One host on a stack, killed and started again on the same port. Made, it is warm and not running."""

    def __init__(self, stack: Stack, settings: Mapping[str, str]) -> None:
        self.base_url = f"http://127.0.0.1:{stack.ports['host']}"
        self._log = stack.logs / "chaos-host.log"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.touch()
        self._from = 0
        self._child = 0
        values = {**stack.settings, **settings, "PUBLIC_BASE_URL": self.base_url}
        file = stack.state / "chaos.settings.json"
        file.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
        argv = [sys.executable, "-m", "tests.chaos.warm_host", str(file), str(stack.ports["host"]), str(self._log)]
        argv.append(str(_root(stack.state / "chaos-root")))
        with Path(stack.logs / "chaos-warm.log").open("wb") as errors:
            self._warm = subprocess.Popen(
                argv,
                cwd=CHECKOUT,
                env={**os.environ, **values, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self._said() == "warm"

    def start(self, failpoints: str = "") -> None:
        """Start the host with failpoints armed; on return it serves."""
        assert not self._child
        self._from = self._log.stat().st_size
        assert self._warm.stdin
        self._warm.stdin.write(f"{failpoints}\n".encode())
        self._warm.stdin.flush()
        self._child = int(self._said())
        self.until(lambda: b"ready " in self._written(), seconds=READY_SECONDS)

    def fired(self) -> list[tuple[str, str]]:
        """Return name and action of every failpoint that did something since the start."""
        return [(name.decode(), action.decode()) for name, action in FIRED.findall(self._written())]

    def ended(self) -> int:
        """Wait for the host's end, and return its exit code: minus the signal that killed it."""
        said = self._said()
        self._child = 0
        return int(said.removeprefix("ended "))

    def kill(self) -> None:
        """Kill the host if it runs, as a crash would."""
        if self._child:
            self._signal(signal.SIGKILL)
            self.ended()

    def stop(self) -> None:
        """Stop the host in order if it runs; one that does not end is killed, as the platform does."""
        if self._child:
            assert self._warm.stdout
            self._signal(signal.SIGTERM)
            ended, _, _ = select.select([self._warm.stdout], [], [], STOP_SECONDS)
            if not ended:
                self._signal(signal.SIGKILL)
            self.ended()

    def close(self) -> None:
        """End everything."""
        self.kill()
        assert self._warm.stdin
        assert self._warm.stdout
        self._warm.stdin.close()
        self._warm.wait(timeout=10)
        self._warm.stdout.close()

    def until(self, check: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> None:
        """Wait until `check`, asked each `pause` seconds, says so."""
        deadline = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < deadline, self._written().decode(errors="replace")[-3000:]
            time.sleep(pause)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it was quicker
            os.kill(self._child, number)

    def _written(self) -> bytes:
        with self._log.open("rb") as log:
            log.seek(self._from)
            return log.read()

    def _said(self) -> str:
        assert self._warm.stdout
        return self._warm.stdout.readline().decode().strip()


def _root(folder: Path) -> Path:
    """Make a folder of the app as it is, but for the wait after a failure: a second instead of half a minute.

    And for the five tries: a slow machine under the matrix loses a message's lease more often than a hub crashes.
    """
    folder.mkdir()
    (folder / "function_app.py").symlink_to(CHECKOUT / "function_app.py")
    host = json.loads((CHECKOUT / "host.json").read_text())
    host["extensions"]["queues"]["visibilityTimeout"] = "00:00:01"
    host["extensions"]["queues"]["maxDequeueCount"] = 100
    (folder / "host.json").write_text(json.dumps(host))
    return folder
