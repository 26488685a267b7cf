"""The stack as one thing: made ready, watched, restarted. The shared one only where it is not disturbed."""

import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psycopg
import pytest
from azure.storage.blob import BlobServiceClient

from local.stack.stack import Stack
from local.trouble import Trouble

ROOT = Path(__file__).parents[2]


def test_the_application_role_reaches_a_migrated_database(stack: Stack) -> None:
    with psycopg.connect(stack.settings["POSTGRES_DSN"]) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls, to_regclass('interactions') IS NOT NULL"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == ("hub_app", False, False, True)


def test_nothing_is_dead_in_a_running_stack(stack: Stack) -> None:
    assert stack.check() is None


def test_the_state_directory_is_not_shared(stack: Stack) -> None:
    with pytest.raises(Trouble, match="in use by process"):
        Stack(stack.state).start()
    assert stack.check() is None


def test_a_stack_names_its_dead_keeps_its_data_and_moves_off_a_taken_port(tmp_path: Path) -> None:
    steps: list[str] = []

    def step(name: str) -> AbstractContextManager[None]:
        steps.append(name)
        return nullcontext()

    stack = Stack(tmp_path / "state")
    stack.start(on_step=step)
    try:
        before = dict(stack.ports), dict(stack.settings)
        with BlobServiceClient.from_connection_string(stack.settings["HubStorage"]) as blobs:
            blobs.create_container("kept-by-test")
        os.kill(stack.cosmos.pid, signal.SIGKILL)
        stack.cosmos.wait_dead(seconds=10)
        assert stack.check() == "Cosmos DB server"
        assert "ended by itself" in stack.cosmos.ended().what
    finally:
        stack.stop()
    assert {"Postgres 18", "Azurite", "Cosmos DB server", "Database schema"} <= set(steps)

    with socket.create_server(("127.0.0.1", before[0]["postgres"])):
        stack = Stack(tmp_path / "state")
        stack.start()
        try:
            after = dict(stack.ports), dict(stack.settings)
            with BlobServiceClient.from_connection_string(stack.settings["HubStorage"]) as blobs:
                assert blobs.get_container_client("kept-by-test").exists()
        finally:
            stack.stop()
    changed = {name for name in after[0] if after[0][name] != before[0][name]}
    assert changed == {"postgres"}
    assert after[1]["SECRET_KEYS"] == before[1]["SECRET_KEYS"]
    assert stat.S_IMODE((tmp_path / "state" / "secrets.json").stat().st_mode) == 0o600


def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise Trouble("the schema is broken", do="Mend it.")

    monkeypatch.setattr("schema.migrate.prepare", refuses)
    stack = Stack(tmp_path / "state", in_memory=True)
    with pytest.raises(Trouble, match="the schema is broken"):
        stack.start()
    assert not any(service.alive() for service in (stack.postgres, stack.azurite, stack.cosmos))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_stack_takes_its_programs_along_and_starts_again(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from local.stack.stack import Stack; "
        "stack = Stack(pathlib.Path(sys.argv[1])); stack.start(); "
        "print(stack.postgres.pid, stack.azurite.pid, stack.cosmos.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "state")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    assert len(pids) == 3
    stack = Stack(tmp_path / "state")
    stack.start()
    try:
        assert not any(_runs(pid) for pid in pids)
        assert stack.check() is None
    finally:
        stack.stop()


def _runs(pid: int) -> bool:
    """Whether a process lives: one that nobody has reaped yet is dead all the same."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_stopping_twice_is_fine(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "state", in_memory=True)
    stack.stop()
    stack.stop()
    assert stack.check() is None
