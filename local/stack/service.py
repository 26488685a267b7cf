from abc import ABC, abstractmethod

from local.stack.process import Child, Program
from local.trouble import Trouble


class Service(ABC):
    """A program that runs until it is stopped, and may be started again: same files, same port."""

    name: str  # what the user calls it
    stop_seconds: float = 15

    def __init__(self) -> None:
        self._child: Child | None = None

    @abstractmethod
    def _program(self) -> Program:
        """What to run."""

    @abstractmethod
    def _wait_ready(self, child: Child) -> None:
        """Return when it serves."""

    @property
    def pid(self) -> int:
        """The process id of the last start; ValueError before the first."""
        if self._child is None:
            raise ValueError(f"{self.name} was never started")
        return self._child.pid

    def ended(self) -> Trouble:
        """What to tell the user when it ended by itself: with its last log lines and where the rest is."""
        if self._child is None:
            return Trouble(f"{self.name} was never started", do="Start the stack again.")
        return self._child.trouble(f"{self.name} ended by itself")

    def alive(self) -> bool:
        """Say whether its process runs."""
        return self._child is not None and self._child.alive()

    def spawn(self) -> None:
        """Start the process without waiting; `start` then waits for it."""
        self._child = Child(self._program())

    def start(self) -> None:
        """Return when it serves. Raises Trouble."""
        if self._child is None or not self._child.alive():
            self.spawn()
        if self._child is not None:
            self._wait_ready(self._child)

    def stop(self) -> None:
        """End it in order: nothing it acknowledged is lost. Kills it when that takes too long; safe when dead."""
        if self._child:
            self._child.stop(seconds=self.stop_seconds)

    def restart(self) -> None:
        """Stop it in order if it runs, then start it."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL: what a crash does."""
        if self._child:
            self._child.kill()

    def wait_dead(self, *, seconds: float) -> int:
        """Wait for it to end by itself and return its status, negative for a signal; raise TimeoutError otherwise."""
        return self._child.wait_dead(seconds=seconds) if self._child else 0
