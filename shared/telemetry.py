"""What the hub says of itself: one log line an event, ids and counts only, never content or addresses."""

import logging
from typing import Final

_LOGGER: Final = logging.getLogger("hub")
_SDKS: Final = ("azure", "httpx2")


def event(name: str, level: int = logging.INFO, **facts: object) -> None:
    """Log `name` with its ids and counts, as `name key=value …`."""
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, "%s %s", name, " ".join(f"{key}={value}" for key, value in facts.items()))


def warning(name: str, **facts: object) -> None:
    """Log something an operator may have to look at."""
    event(name, logging.WARNING, **facts)


def quiet_sdks() -> None:
    """Let SDKs log warnings alone: at INFO they tell of each request with its headers, and logs are paid by the GB."""
    for name in _SDKS:
        logging.getLogger(name).setLevel(logging.WARNING)
