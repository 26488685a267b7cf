"""Says once that a store is out of reach and once that it is back, instead of a line for every attempt."""

import logging
import time

log = logging.getLogger("local.host")
_REMIND_SECONDS = 30
_REASON_CHARACTERS = 200


class Availability:
    """What one listener knows about its store."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said_at: float | None = None

    def failed(self, error: Exception) -> None:
        """Warn, at most once every half minute."""
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= _REMIND_SECONDS:
            self._said_at = now
            reason = " ".join(str(error).split())[:_REASON_CHARACTERS]
            log.warning("%s: out of reach, trying on (%s: %s)", self._what, type(error).__name__, reason)

    def answered(self) -> None:
        """Say that the store is back, when it was away."""
        if self._said_at is not None:
            self._said_at = None
            log.warning("%s: reachable again", self._what)
