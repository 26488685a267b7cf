"""What every trigger but HTTP has in common: it starts, stops taking work, finishes what runs, or abandons it."""

import asyncio
import logging
from abc import ABC, abstractmethod

log = logging.getLogger("local.host")
_FIRST_RESTART_SECONDS, _LAST_RESTART_SECONDS = 1.0, 60.0


class Stopped(Exception):  # an outcome, not a fault
    """A wait ended because the host stops."""


class Listener(ABC):
    """One task that finds work for one function."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stop = asyncio.Event()
        self._main: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for work; needs a running loop."""
        self._main = asyncio.create_task(self._guard(), name=self._name)

    async def stop(self) -> None:
        """Take no more work and return when what was taken is done."""
        self._stop.set()
        if self._main is not None:
            await self._main

    async def abandon(self) -> None:
        """Cancel what runs; what that means for the work is the trigger's matter."""
        if self._main is not None:
            self._main.cancel()
            await asyncio.gather(self._main, return_exceptions=True)

    @abstractmethod
    async def listen(self) -> None:
        """Find and do work until `stopping`, then return when it is done."""

    @property
    def stopping(self) -> bool:
        """Whether the host stops."""
        return self._stop.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait, or less when the host stops meanwhile."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def retry_pause(self, seconds: float) -> None:
        """Wait between two tries of one call; Stopped when the host stops, so that the call stays unfinished."""
        await self.pause(seconds)
        if self.stopping:
            raise Stopped

    async def _guard(self) -> None:
        wait = _FIRST_RESTART_SECONDS
        while not self.stopping:
            try:
                await self.listen()
            except Exception:  # a fault of this host must not silence a trigger for good
                log.exception("%s: the listener failed, starting it again", self._name)
                await self.pause(wait)
                wait = min(wait * 2, _LAST_RESTART_SECONDS)
