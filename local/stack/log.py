import re
from pathlib import Path

LOG_BYTES = 10_000_000
TAIL_BYTES = 64_000
IMPORTANT = re.compile(r"^\S+ \S+ (WARNING|ERROR|CRITICAL) ")


def tail(log: Path, *, lines: int = 15) -> str:
    """The last lines of a log file, empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])


def rotate(log: Path) -> None:
    """Make the log's directory, and move a log that grew too long aside; one older one is kept."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.old"))


class ImportantLines:
    """The warnings and errors that are added to a log from now on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = log.stat().st_size
        self._rest = ""

    def new(self) -> list[str]:
        """Those added since the last call; an unfinished line waits for its end."""
        with self._log.open("rb") as file:
            file.seek(self._position)
            added = file.read()
        self._position += len(added)
        *lines, self._rest = (self._rest + added.decode("utf-8", "replace")).split("\n")
        return [line for line in lines if IMPORTANT.match(line)]
