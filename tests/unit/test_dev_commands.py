from importlib import import_module
from pathlib import Path

import pytest

from local.__main__ import main
from local.commands import COMMANDS, test
from local.trouble import Trouble


def test_every_command_of_the_help_has_its_module() -> None:
    assert all(callable(import_module(f"local.commands.{name.replace('-', '_')}").main) for name in COMMANDS)


def test_no_argument_shows_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_an_unknown_command_is_named_and_the_known_ones_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tset"]) == 2
    told = capsys.readouterr()
    assert "'tset'" in told.err
    assert "migrate" in told.err
    assert told.out == ""


def test_trouble_is_one_line_of_what_and_one_of_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: object) -> int:
        raise Trouble("the cellar is flooded", do="Pump it dry.", log="drip\ndrop")

    monkeypatch.setattr("local.commands.help.main", fails)
    assert main(["help"]) == 1
    assert capsys.readouterr().err == "drip\ndrop\nerror: the cellar is flooded\n       Pump it dry.\n"


def test_a_file_of_another_user_is_told_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: object) -> int:
        raise PermissionError(13, "Permission denied", ".local/up/lock")

    monkeypatch.setattr("local.commands.help.main", fails)
    assert main(["help"]) == 1
    assert ".local/up/lock can't be written" in capsys.readouterr().err


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("local.commands.help.main", interrupted)
    assert main(["help"]) == 130


def test_the_test_command_passes_arguments_and_status_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failing = tmp_path / "test_fails.py"
    failing.write_text("def test_fails():\n    assert 1 == 2\n")
    assert test.main(["-q", "-p", "no:cacheprovider", str(failing)]) == 1
    assert "Tests failed" in capsys.readouterr().out


def test_a_whole_run_is_spread_over_processes_and_a_named_test_is_not() -> None:
    assert test.spread(["-q", "-x"])[::2] == ["-n", "--dist", "--no-loadscope-reorder"]
    assert test.spread(["tests/unit/test_dev_commands.py::test_ctrl_c_is_no_traceback"]) == []
    assert test.spread(["-n", "2"]) == []


def test_every_check_runs_after_one_failed_and_the_failed_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {"first": ("-c", "raise SystemExit('why it failed')"), "second": ("-c", "print('fine')")}
    monkeypatch.setattr("local.commands.check.CHECKS", checks)
    assert main(["check"]) == 1
    told = capsys.readouterr()
    assert "why it failed" in told.out
    assert "second … " in told.out
    assert "error: failed: first\n" in told.err
