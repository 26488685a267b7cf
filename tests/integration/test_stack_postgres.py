import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.stack import identity
from local.stack.ports import free_port
from local.stack.postgres import Postgres
from local.trouble import Trouble

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone has to become someone else")


def connect(server: Postgres) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.dsn(), autocommit=True)


def count_rows(server: Postgres) -> int:
    with connect(server) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(str(row[0]))


def modes_up_to_root(directory: Path) -> dict[Path, tuple[int, int]]:
    return {each: (each.stat().st_mode, each.stat().st_uid) for each in [directory, *directory.parents]}


def test_it_starts_stops_and_keeps_its_port_and_rows(own_postgres: Postgres) -> None:
    own_postgres.start()
    with connect(own_postgres) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS value")
    own_postgres.restart()
    assert count_rows(own_postgres) == 1
    own_postgres.stop()
    assert own_postgres.wait_dead(seconds=5) == 0
    assert not own_postgres.alive()
    with pytest.raises(psycopg.OperationalError):
        connect(own_postgres)


def test_it_stops_although_a_session_is_open(own_postgres: Postgres) -> None:
    own_postgres.start()
    session = connect(own_postgres)
    own_postgres.stop()
    assert own_postgres.wait_dead(seconds=5) == 0
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    session.close()


def test_committed_rows_survive_a_kill(own_postgres: Postgres) -> None:
    own_postgres.start()
    with connect(own_postgres) as connection:
        connection.execute("CREATE TABLE kept (value int)")
    session = connect(own_postgres)
    for value in range(20):
        session.execute("INSERT INTO kept VALUES (%s)", [value])
    own_postgres.kill()
    assert not own_postgres.alive()
    own_postgres.start()
    assert count_rows(own_postgres) == 20
    session.close()


def test_it_is_postgres_18_with_vectors_utf8_and_utc(own_postgres: Postgres) -> None:
    own_postgres.start()
    with connect(own_postgres) as connection:
        connection.execute("CREATE EXTENSION vector")
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),"
            " current_setting('TimeZone'), current_setting('fsync'), '[1,2]'::vector <-> '[1,2]', upper('é')"
        ).fetchone()
    assert row == (18, "UTF8", "UTC", "on", 0.0, "É")


def test_a_wrong_password_is_refused(own_postgres: Postgres) -> None:
    own_postgres.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(own_postgres.dsn(password="guessed"))


def test_it_listens_on_loopback_only(own_postgres: Postgres) -> None:
    own_postgres.start()
    with connect(own_postgres) as connection:
        listens = connection.execute("SHOW listen_addresses").fetchone()
        sockets = connection.execute("SHOW unix_socket_directories").fetchone()
    assert (listens, sockets) == (("127.0.0.1",), ("",))


def test_a_path_longer_than_a_socket_name_may_be_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / "postgres"
    server = Postgres(deep, port=free_port(), password="secret", log=tmp_path / "postgres.log")
    try:
        server.start()
        assert server.alive()
    finally:
        server.stop()


def test_a_taken_port_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        server = Postgres(tmp_path / "postgres", port=port, password="secret", log=tmp_path / "postgres.log")
        with pytest.raises(Trouble, match="ended at start") as told:
            server.start()
    assert "Address already in use" in told.value.log


def test_a_lock_file_of_a_process_id_that_is_someone_elses_now_is_no_obstacle(own_postgres: Postgres) -> None:
    own_postgres.start()
    lock = own_postgres.data / "postmaster.pid"
    lines = lock.read_text().splitlines(keepends=True)
    own_postgres.kill()
    # This process lives and is no Postgres, as after a reboot that dealt the ids anew.
    lock.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    own_postgres.start()
    assert own_postgres.alive()


def test_a_cluster_whose_making_was_interrupted_is_made_anew(own_postgres: Postgres) -> None:
    leftover = own_postgres.data.with_name("building")
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    own_postgres.start()
    assert own_postgres.alive()
    assert not leftover.exists()


@pytest.fixture
def closed_home(tmp_path: Path) -> Iterator[Path]:
    """A directory nobody but its owner may enter, with a state directory in it."""
    home = tmp_path / "home"
    state = home / "checkout" / ".local" / "up"
    state.mkdir(parents=True)
    home.chmod(0o700)
    yield state
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def runs_in(state: Path) -> None:
    before = modes_up_to_root(state)
    server = Postgres(state / "postgres", port=free_port(), password="secret", log=state / "postgres.log")
    try:
        server.start()
        with connect(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS value")
        server.kill()
        server.start()
        assert count_rows(server) == 1
    finally:
        server.stop()
    assert modes_up_to_root(state) == before


def test_it_runs_under_a_closed_home_and_loosens_no_permission(closed_home: Path) -> None:
    runs_in(closed_home)
    assert stat.S_IMODE((closed_home / "postgres" / "data").stat().st_mode) == 0o700


@as_root
def test_root_without_user_namespaces_becomes_another_user_and_loosens_no_permission(
    closed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates = identity.candidates

    def without_namespace(data: Path) -> list[str]:
        return [each for each in candidates(data) if each != "namespace"]

    monkeypatch.setattr(identity, "candidates", without_namespace)
    runs_in(closed_home)
    assert (closed_home / "postgres" / "data").stat().st_uid != 0


@as_root
def test_root_without_any_way_out_is_told_what_to_do(own_postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "candidates", lambda _: ["999999999999:1"])
    with pytest.raises(Trouble, match="refuses to run as root") as told:
        own_postgres.start()
    assert "ordinary user" in told.value.do
