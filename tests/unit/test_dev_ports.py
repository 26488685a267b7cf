import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack.ports import choose_ports, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port another program listens on."""
    with socket.create_server(("127.0.0.1", free_port())) as server:
        yield server.getsockname()[1]


def test_a_listening_port_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_port_taken_on_every_address_is_not_free() -> None:
    with socket.create_server(("0.0.0.0", free_port())) as server:
        assert not is_free(server.getsockname()[1])


def test_ports_are_kept(tmp_path: Path) -> None:
    first = choose_ports(tmp_path / "ports.json", ["a", "b"])
    assert choose_ports(tmp_path / "ports.json", ["a", "b"]) == first
    assert len(set(first.values())) == 2


def test_a_taken_port_is_chosen_anew_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = choose_ports(file, ["a", "b"])
    with socket.create_server(("127.0.0.1", first["a"])):
        second = choose_ports(file, ["a", "b"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]
    assert choose_ports(file, ["a", "b"]) == second


def test_a_preferred_port_is_taken_when_it_is_free(tmp_path: Path, taken: int) -> None:
    wish = free_port()
    chosen = choose_ports(tmp_path / "ports.json", ["a", "b"], preferred={"a": wish, "b": taken})
    assert chosen["a"] == wish
    assert chosen["b"] not in {wish, taken}
