from pathlib import Path

import pytest

from local.sources import main, running
from local.trouble import Trouble


def test_without_a_running_stack_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as told:
        running(tmp_path)
    assert "./dev up" in told.value.do


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        ([], "ACTION"),
        (["add", "--name", "Shop"], "--channel"),
        (["add", "--channel", "email"], "--name"),
        (["add", "--channel", "fax", "--name", "Shop"], "fax"),
        (["add", "--channel", "chat", "--name", "Shop", "--project", "ours"], "--project"),
    ],
)
def test_what_is_missing_or_wrong_is_named(argv: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err
