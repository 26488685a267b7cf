"""`./dev up --model scripted`: the model is named, runs with the rest, and is missed when it dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The command in a state directory of the test's own.
UP = """
import pathlib, sys
from local.__main__ import main
from local.commands import up
up.UP = pathlib.Path(sys.argv[1])
sys.exit(main(["up", "--model", "scripted"]))
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The running command."""
    command = [sys.executable, "-c", UP, str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipes) as process:  # type: ignore[call-overload] # pipes both
        yield process
        process.kill()


def model_server_of(process: subprocess.Popen[str]) -> int:
    """The process id of the command's model server."""
    listed = subprocess.run(["ps", "axww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True)
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    (found,) = (int(row[0]) for row in rows if int(row[1]) == process.pid and "tests.model_server" in row[2])
    return found


def test_a_scripted_model_is_named_and_missed_when_it_dies(up: subprocess.Popen[str]) -> None:
    assert up.stdout
    printed = []
    for line in up.stdout:
        printed.append(line.strip())
        if line.startswith("Ctrl-C stops everything"):
            break
    assert "Model     a scripted server that answers by rules (openai)" in printed
    os.kill(model_server_of(up), signal.SIGKILL)
    _, errors = up.communicate(timeout=120)
    assert up.returncode == 1
    assert "error: Scripted model ended by itself" in errors
