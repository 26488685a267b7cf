from pathlib import Path

import pytest

from local.stack.node import fingerprint, machine_node

FAKE_NODE = "#!/bin/sh\necho '{major} /opt/node/bin/node'\nexit {status}\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(path: Path, name: str, text: str) -> None:
    (path / name).write_text(text)
    (path / name).chmod(0o755)


def test_a_new_enough_node_is_used_by_its_real_path(path: Path) -> None:
    install(path, "node", FAKE_NODE.format(major=20, status=0))
    install(path, "npm", "#!/bin/sh\n")
    found = machine_node()
    assert found is not None
    assert found.binary == Path("/opt/node/bin/node")
    assert found.npm == (str(path / "npm"),)


@pytest.mark.parametrize(
    "fake",
    [
        FAKE_NODE.format(major=18, status=0),
        FAKE_NODE.format(major=22, status=1),
        "#!/bin/sh\necho no version is selected\n",
        "#!/no/such/interpreter\n",
    ],
    ids=["too old", "ends with an error", "a launcher that tells something else", "can't be run"],
)
def test_a_node_that_is_no_use_is_not_used(path: Path, fake: str) -> None:
    install(path, "node", fake)
    install(path, "npm", "#!/bin/sh\n")
    assert machine_node() is None


def test_a_node_without_npm_is_not_used(path: Path) -> None:
    install(path, "node", FAKE_NODE.format(major=22, status=0))
    assert machine_node() is None


def test_the_stamp_changes_with_any_byte_and_with_where_it_stands(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("b")
    before = fingerprint(one, two)
    assert fingerprint(one, two) == before
    one.write_text("ab")
    two.write_text("")
    assert fingerprint(one, two) != before
