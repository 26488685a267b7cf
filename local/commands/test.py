import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local.checkout import CHECKOUT

MOST_WORKERS = 6  # a worker and its stack take half a gigabyte


def main(argv: Sequence[str]) -> int:
    """Run pytest with `argv`, print how long it took, return its exit code.

    Without a path in `argv` every tier runs, spread over processes; what is named runs in one.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "pytest", *spread(argv), *argv]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment(), check=False)
    verdict = "passed" if done.returncode == 0 else f"failed (pytest status {done.returncode})"
    print(f"Tests {verdict} … {time.perf_counter() - started:.1f} s", flush=True)
    return done.returncode


def environment() -> dict[str, str]:
    """Return the environment without the wish for no bytecode: each of hundreds of processes would compile the app."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def spread(argv: Sequence[str]) -> list[str]:
    """Return the options that spread a run over processes, each with stacks of its own; none when `argv` names tests.

    Tests wait half of their time, so there is one process more than cores. A file stays whole: its fixtures are dear.
    The order stays, since the longest tests come first.
    """
    if any(_names_tests(argument) for argument in argv) or {"-n", "--pdb", "--collect-only", "--co"} & set(argv):
        return []
    workers = min((os.cpu_count() or 1) + 1, MOST_WORKERS)
    return ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]


def _names_tests(argument: str) -> bool:
    return (CHECKOUT / Path(argument.partition("::")[0])).exists()
