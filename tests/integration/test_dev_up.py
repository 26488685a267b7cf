"""`./dev up` as its user sees it: what it prints, how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The command in a state directory of the test's own.
UP = """
import pathlib, sys
from local.__main__ import main
from local.commands import up
up.UP = pathlib.Path(sys.argv[1])
sys.exit(main(["up"]))
"""


@contextmanager
def up(state: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A running `./dev up` that has printed its addresses, and what it printed."""
    command = [sys.executable, "-c", UP, str(state)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith("Ctrl-C stops everything"):
                break
        try:
            yield process, printed
        finally:
            process.kill()


def programs(state: Path) -> dict[str, int]:
    """The running processes whose arguments name the state directory, by the program's kind."""
    listed = subprocess.run(["ps", "axww", "-o", "pid=,command="], capture_output=True, text=True, check=True).stdout
    kinds = {"local.host": "host", "azurite.js": "azurite", "server.js": "cosmos", "postgres -D": "postgres"}
    lines = [line for line in listed.splitlines() if str(state) in line]
    return {kind: int(line.split()[0]) for line in lines for word, kind in kinds.items() if word in line}


def test_ctrl_c_stops_every_program_and_the_state_survives(tmp_path: Path) -> None:
    addresses = []
    for _ in range(2):
        with up(tmp_path) as (process, printed):
            assert set(programs(tmp_path)) == {"host", "azurite", "cosmos", "postgres"}
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        stops = [line.split(" … ")[0] for line in rest.splitlines() if line.startswith("Stopping")]
        assert stops == [
            f"Stopping {name}" for name in ("Functions host", "Cosmos DB server", "Azurite", "Postgres 18")
        ]
        assert programs(tmp_path) == {}
        addresses.append([line for line in printed if "http" in line or "x-functions-key" in line])
    assert len(addresses[0]) >= 4
    assert addresses[0] == addresses[1]


def test_a_dead_program_is_named_and_stops_the_rest(tmp_path: Path) -> None:
    with up(tmp_path) as (process, _):
        os.kill(programs(tmp_path)["cosmos"], signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "error: Cosmos DB server ended by itself" in errors
    assert "cosmos.log" in errors
    assert programs(tmp_path) == {}
