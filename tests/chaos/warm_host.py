"""A Functions host that starts in a moment: everything is imported once, each start is a fork.

`python -m tests.chaos.warm_host SETTINGS PORT LOG ROOT`: each line on standard input is one start with that value of
FAILPOINTS; prints the child's id, then `ended STATUS` when it is dead. The end of standard input ends both.
"""

import os
import select
import signal
import sys
import traceback
from importlib import import_module

from shared.stores import queues

PRELOADED = (
    "local.host.__main__",
    "functions",
    "shared.services",
    "shared.settings",
    "shared.ingestion.external",
    "shared.ingestion.brake",
    "shared.ingestion.receive",
    "shared.ingestion.store",
    "shared.ingestion.sweep",
    "shared.analysis.message",
    "shared.analysis.attachment",
    "shared.inbox.dead_letter_desk",
    "shared.ingestion.resend",
    "shared.ai.providers.offline.engine",
    "shared.sync.apply",
    "shared.sync.replay",
    "azure.storage.blob.aio",
    "azure.storage.queue.aio",
    "azure.cosmos.aio",
    "psycopg_pool",
    "aiosql",
)


def main() -> None:
    settings, port, log, root = sys.argv[1:]
    for module in PRELOADED:
        import_module(module)
    # As short as the leases of all other queues: what a dying hub held is not waited for.
    queues.POISON_LEASE_SECONDS = 2
    _say("warm")
    # Not buffered: a line read ahead would hide from select that there is one.
    while failpoints := _line():
        child = os.fork()
        if child == 0:
            _run(log, failpoints.strip(), ["--settings", settings, "--port", port, "--root", root])
        _say(str(child))
        _say(f"ended {_wait(child)}")


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _line() -> str:
    taken = b""
    while not taken.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return ""
        taken += byte
    return taken.decode()


def _wait(child: int) -> int:
    ready, _, _ = select.select([0, os.pidfd_open(child)], [], [])
    if 0 in ready:  # the supervisor is gone
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(log: str, failpoints: str, arguments: list[str]) -> None:
    code = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ["FAILPOINTS"] = failpoints
        sys.argv = ["local.host", *arguments]
        code = import_module("local.host.__main__").main()
    except BaseException:  # noqa: BLE001 # a fork must not go on as its parent, whatever happens
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
