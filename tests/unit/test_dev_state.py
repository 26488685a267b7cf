"""What a state directory keeps beside data: secrets, the lock, logs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack.lock import StateLock
from local.stack.log import ImportantLines, tail
from local.stack.secrets import load_secrets, write_private
from local.trouble import Trouble


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = load_secrets(file)
    assert load_secrets(file) == first
    assert file.stat().st_mode & 0o777 == 0o600


def test_two_states_share_no_secret(tmp_path: Path) -> None:
    one, two = load_secrets(tmp_path / "one"), load_secrets(tmp_path / "two")
    assert one.function_key != two.function_key
    assert one.secret_keys != two.secret_keys
    assert one.roles() != two.roles()


def test_a_private_file_is_private_even_where_a_loose_one_was(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("old")
    file.chmod(0o666)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_state_directory_has_one_owner(tmp_path: Path) -> None:
    first, second = StateLock(tmp_path / "lock"), StateLock(tmp_path / "lock")
    first.take()
    with pytest.raises(Trouble, match=f"in use by process {os.getpid()}"):
        second.take()
    first.release()
    second.take()
    second.release()


def test_a_killed_owner_leaves_the_directory_free(tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; from local.stack.lock import StateLock; "
        "StateLock(pathlib.Path(sys.argv[1])).take(); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "lock")], cwd=root, check=False)
    assert done.returncode == -9
    lock = StateLock(tmp_path / "lock")
    assert lock.owner() == 0
    lock.take()
    lock.release()


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("\n".join(map(str, range(100))) + "\n")
    assert tail(log, lines=2) == "98\n99"
    assert tail(tmp_path / "none.log") == ""


def test_only_new_and_whole_warnings_are_important(tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    log.write_text("2026-01-01 10:00:00,000 ERROR a: from before\n")
    lines = ImportantLines(log)
    with log.open("a") as file:
        file.write("2026-01-01 10:00:00,000 INFO a: fine\n2026-01-01 10:00:00,000 WARN")
        file.flush()
        assert lines.new() == []
        file.write("ING a: late\n")
    assert lines.new() == ["2026-01-01 10:00:00,000 WARNING a: late"]
    assert lines.new() == []
