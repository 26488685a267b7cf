import io
from pathlib import Path

import pytest
from rich.console import Console

from local.demo.place import empty
from local.demo.progress import step
from local.stack.lock import StateLock
from local.trouble import Trouble


def test_emptying_leaves_nothing_of_an_earlier_run(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "secrets.json").write_text("{}")

    empty(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


def test_a_state_directory_in_use_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    running = StateLock(tmp_path / "lock")
    running.take()

    with pytest.raises(Trouble, match="in use"):
        empty(tmp_path)

    running.release()
    assert (tmp_path / "secrets.json").exists()


def test_a_state_directory_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    empty(tmp_path / "new")

    assert (tmp_path / "new").is_dir()


def test_a_step_tells_how_it_ended() -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=80)

    with step(console, "Postgres [18]"):
        pass
    with pytest.raises(ZeroDivisionError), step(console, "Host"):
        _ = 1 / 0

    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("Postgres [18] … 0.")
    assert lines[1].startswith("Host … failed after 0.")
