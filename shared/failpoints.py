"""Named places where a test may kill, hang or break the process; off unless `FAILPOINTS` is set.

`FAILPOINTS="store.postgres_committed=kill@3"` kills the process when it passes that point for the third time; without
`@` the first time. `=raise` raises then, `=hang` sleeps for an hour. Several are separated by commas. What is done is
said on standard error first, as `failpoint NAME ACTION`, so that a test knows that it happened.
"""

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from shared.errors import Misconfigured

Name = Literal[
    "ingest.verified",
    "ingest.blob_put",
    "ingest.enqueued",
    "external.blob_put",
    "external.enqueued",
    "store.attachments_kept",
    "store.postgres_committed",
    "store.cosmos_created",
    "store.analysis_enqueued",
    "store.done",
    "ai.call_logged",
    "ai.call_answered",
    "analyze.model_answered",
    "analyze.findings_stored",
    "analyze.attachment_answered",
    "analyze.attachment_stored",
    "replay.claimed",
    "replay.enqueued",
    "replay.marked",
    "sync.rows_written",
    "sync.applied",
    "sync.committing",
    "sync.committed",
    "sweep.reading",
    "sweep.page_read",
    "sweep.position_moved",
    "reconcile.page_read",
]
NAMES: tuple[Name, ...] = get_args(Name)
ACTIONS = ("kill", "raise", "hang")
HANG_SECONDS = 3600

_passed: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class _Armed:
    action: str
    at: int


@cache
def check() -> dict[str, _Armed]:
    """Return what is armed. Raises Misconfigured for a name, an action or a count that there is not."""
    return dict(_read(entry.strip()) for entry in os.environ.get("FAILPOINTS", "").split(",") if entry.strip())


def failpoint(name: Name) -> None:
    """Do what `FAILPOINTS` asks for at `name`, which is nothing in production."""
    armed = check().get(name)
    if armed is None:
        return
    _passed[name] += 1
    if _passed[name] == armed.at:
        os.write(2, f"failpoint {name} {armed.action}\n".encode())
        _act(name, armed.action)


def _act(name: Name, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "hang":
        time.sleep(HANG_SECONDS)
    else:
        raise RuntimeError(f"failpoint {name}")


def _read(entry: str) -> tuple[str, _Armed]:
    name, _, what = entry.partition("=")
    action, _, at = what.partition("@")
    if name not in NAMES:
        raise Misconfigured(f"FAILPOINTS: there is no failpoint {name!r}")
    if action not in ACTIONS:
        raise Misconfigured(f"FAILPOINTS: {name} can {', '.join(ACTIONS)}, not {action!r}")
    if at and not (at.isdecimal() and int(at) > 0):
        raise Misconfigured(f"FAILPOINTS: {name} at {at!r} is no count from 1 on")
    return name, _Armed(action, int(at or 1))
