import os
from pathlib import Path

import pytest

from local.stack.identity import choose_identity

STRANGER = 12345
# Warns like initdb when access(2), which ignores most capabilities, does not let it see its own file.
PROGRAM = '#!/bin/sh\ntest -x "$0" || echo closed >&2\n'


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in a directory only its owner may enter."""
    file = tmp_path / "home" / "program"
    file.parent.mkdir()
    file.write_text(PROGRAM)
    file.chmod(0o755)
    file.parent.chmod(0o700)
    (tmp_path / "state").mkdir()
    return file


@pytest.mark.skipif(os.geteuid() == 0, reason="about an ordinary user")
def test_an_ordinary_user_stays_who_it_is(tmp_path: Path, program: Path) -> None:
    assert choose_identity(tmp_path / "state" / "data", program) == "same"


def test_a_user_without_an_account_gets_one_in_a_namespace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 7)
    assert choose_identity(tmp_path / "state" / "data", program) == "namespace"


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone has to become someone else")
def test_root_never_stays_root(tmp_path: Path, program: Path) -> None:
    assert choose_identity(tmp_path / "state" / "data", program) != "same"


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone has to become someone else")
def test_root_in_the_closed_home_of_another_becomes_a_user_that_still_gets_in(tmp_path: Path, program: Path) -> None:
    os.chown(program.parent, STRANGER, STRANGER)
    uid, _, _ = choose_identity(tmp_path / "state" / "data", program).partition(":")
    assert int(uid) not in {0, STRANGER}
    assert program.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone has to become someone else")
def test_the_owner_of_existing_data_is_who_runs_it(tmp_path: Path, program: Path) -> None:
    data = tmp_path / "state" / "data"
    data.mkdir()
    os.chown(data, STRANGER, STRANGER)
    assert choose_identity(data, program) == f"{STRANGER}:{STRANGER}"
