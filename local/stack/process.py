import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.stack.log import rotate, tail
from local.trouble import Trouble

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `name` is what the user sees; `log` gets standard output and error, appended."""

    name: str
    argv: tuple[str, ...]
    log: Path
    cwd: Path
    env: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    identity: str = "same"
    keep_open: tuple[int, ...] = ()


class Child:
    """One running program in a session of its own, which dies with this process even when that is killed (Linux)."""

    def __init__(self, program: Program) -> None:
        self.program = program
        rotate(program.log)
        self._log_start = program.log.stat().st_size if program.log.exists() else 0
        self._process = _spawner().submit(_spawn, program).result()

    @property
    def pid(self) -> int:
        """The program's own process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Say whether it still runs; reaps it when not."""
        return self._process.poll() is None

    def output(self) -> str:
        """Everything it wrote since this start."""
        with self.program.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Return when `ready()` is true. Raise Trouble when it ends before, or (killing it) when `seconds` pass."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive():
                raise self.trouble(f"{self.program.name} ended at start with status {self._process.returncode}")
            if time.monotonic() > deadline:
                self.kill()
                raise self.trouble(f"{self.program.name} was not ready after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def wait_for_line(self, start: str, *, seconds: float) -> str:
        """Return the first whole line of its output that begins with `start`; fails like `wait_until`."""
        found: list[str] = []

        def seen() -> bool:
            lines = self.output().splitlines(keepends=True)
            found.extend(line.rstrip() for line in lines if line.startswith(start) and line.endswith("\n"))
            return bool(found)

        self.wait_until(seen, seconds=seconds)
        return found[0]

    def stop(self, *, seconds: float = 15) -> None:
        """Ask it to end and wait; kill it when it does not within `seconds`. Safe on a dead child."""
        if self.alive():
            self._process.send_signal(self.program.stop_signal)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL to it and its process group, and reap it. Safe on a dead child."""
        if self.alive():
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wait_dead(self, *, seconds: float) -> int:
        """Wait for it to end by itself and return its status, negative for a signal; raise TimeoutError otherwise."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"{self.program.name} still runs after {seconds:.0f} s") from late

    def trouble(self, what: str) -> Trouble:
        """`what` happened, with the last lines of its log."""
        return Trouble(what, do=f"See {self.program.log} for the whole log.", log=tail(self.program.log))


def launched(program_argv: tuple[str, ...], *, death_signal: int, identity: str) -> list[str]:
    """The command line that runs `program_argv` through the launcher."""
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(death_signal), identity]
    return [*launcher, *program_argv]


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    argv = launched(program.argv, death_signal=program.stop_signal, identity=program.identity)
    with program.log.open("ab") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.cwd,
            env=dict(program.env) if program.env is not None else None,
            start_new_session=True,
            pass_fds=program.keep_open,
        )


@cache
def _spawner() -> ThreadPoolExecutor:
    # Linux ties a child to the thread that forked it: one thread that lives as long as this process forks them all.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
