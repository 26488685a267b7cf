"""Named places where a test may kill, hang or break the process; off unless `FAILPOINTS` is set.

`FAILPOINTS="store.postgres_committed=kill"` kills the process the first time that point is passed;
`=raise` raises, `=hang` sleeps for an hour. Several are separated by commas.
"""

import os
import signal
import time
from functools import cache


@cache
def _armed() -> dict[str, str]:
    pairs = (entry.partition("=") for entry in os.environ.get("FAILPOINTS", "").split(",") if entry)
    return {name.strip(): action.strip() for name, _, action in pairs}


def failpoint(name: str) -> None:
    """Do what `FAILPOINTS` asks for at `name`, which is nothing in production."""
    action = _armed().get(name)
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise RuntimeError(f"failpoint {name}")
    elif action == "hang":
        time.sleep(3600)
