"""What runs by night: the crash matrix again and again, and the machine of sync with ten times the seeds."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.commands import nightly

Run = tuple[list[str], dict[str, str]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The commands that are run, and none of them is."""
    runs: list[Run] = []

    def run(argument: list[str], *, cwd: Path, env: dict[str, str], check: bool) -> Any:
        assert cwd.is_dir()
        runs.append((argument, env))
        return subprocess.CompletedProcess(argument, int(check))

    monkeypatch.setattr(subprocess, "run", run)
    return runs


def test_by_night_there_are_2000_seeds_and_20_matrices(ran: list[Run]) -> None:
    assert nightly.main([]) == 0
    ((argument, env),) = ran
    assert {"tests/chaos", "tests/integration/test_sync_machine.py"} <= set(argument)
    assert (env["CHAOS_TIMES"], env["SYNC_MACHINE_SEEDS"]) == ("20", "2000")


def test_how_many_can_be_said(ran: list[Run]) -> None:
    nightly.main(["2", "7"])
    ((_, env),) = ran
    assert (env["CHAOS_TIMES"], env["SYNC_MACHINE_SEEDS"]) == ("2", "7")
