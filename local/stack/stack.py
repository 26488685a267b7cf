import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from local import terminal
from local.stack.azurite import Azurite
from local.stack.cosmos import Cosmos
from local.stack.lock import StateLock
from local.stack.node import Node, ready_node
from local.stack.ports import choose_ports
from local.stack.postgres import Postgres
from local.stack.secrets import Secrets, load_secrets
from local.stack.service import Service
from local.stack.settings import DATABASE, app_settings
from local.terminal import Step

PORTS = ("postgres", "blob", "queue", "cosmos", "host")


class Stack:
    """Postgres, Azurite and the Cosmos DB server of one state directory, made ready for the application.

    Data, ports, passwords and keys live in `state` and survive a restart; a port that another program took meanwhile is
    chosen anew, first `preferred` (by name, see PORTS), then any. `in_memory` keeps Azurite's part in memory only.
    The attributes exist once started.
    """

    postgres: Postgres
    azurite: Azurite
    cosmos: Cosmos
    settings: dict[str, str]
    secrets: Secrets
    ports: dict[str, int]

    def __init__(self, state: Path, *, in_memory: bool = False, preferred: Mapping[str, int] | None = None) -> None:
        self.state = state.absolute()
        self.logs = self.state / "logs"
        self._in_memory = in_memory
        self._preferred = preferred
        self._lock = StateLock(self.state / "lock")
        self._services: list[Service] = []

    def start(self, on_step: Step = terminal.quiet) -> None:
        """Start all, create what is missing, migrate to the newest schema; `on_step(name)` is entered around each step.

        Raises Trouble, and then leaves nothing running.
        """
        with ExitStack() as undo:
            undo.callback(self.stop)
            node = ready_node(on_step)
            self._claim()
            self._build(node)
            # Node takes a second to come up: both of its programs do so while Postgres starts.
            self.azurite.spawn()
            self.cosmos.spawn()
            for service in self._services:
                with on_step(service.name):
                    service.start()
            self._prepare(on_step)
            undo.pop_all()

    def start_postgres(self, on_step: Step = terminal.quiet) -> None:
        """Start Postgres alone and leave its databases as they are: for work on the schema."""
        with ExitStack() as undo:
            undo.callback(self.stop)
            self._claim()
            with on_step(self.postgres.name):
                self.postgres.start()
            undo.pop_all()

    def stop(self, on_step: Step = terminal.quiet) -> None:
        """Stop what runs, keeping all data, and free the state directory. Safe to call twice."""
        for service in reversed(self._services):
            if service.alive():
                with on_step(f"Stopping {service.name}"):
                    service.stop()
        self._lock.release()

    def prepare_database(self) -> None:
        """Create roles and database where missing and migrate to the newest schema, once Postgres runs."""
        from schema.migrate import prepare

        prepare(self.postgres.dsn(), database=DATABASE, passwords=self.secrets.roles())

    def dead(self) -> Service | None:
        """The first program that should run and does not, None when all is well."""
        return next((service for service in self._services if not service.alive()), None)

    def check(self) -> str | None:
        """The name of a program that should run and does not, None when all is well."""
        service = self.dead()
        return service.name if service else None

    @property
    def inherited(self) -> tuple[int, ...]:
        """What its programs inherit, so that the state directory counts as in use while one of them lives."""
        return self._lock.descriptors

    def running_elsewhere(self) -> bool:
        """Say whether another process runs a stack in this state directory now."""
        return self._lock.owner() != 0

    def owner_dsn(self) -> str:
        """Connection string of `hub_owner`, who owns the tables; also of a stack that runs in another process."""
        ports = json.loads((self.state / "ports.json").read_text())
        secrets = load_secrets(self.state / "secrets.json")
        postgres = self._postgres(ports, secrets)
        return postgres.dsn(DATABASE, user="hub_owner", password=secrets.hub_owner)

    def _claim(self) -> None:
        self._lock.take()
        self.ports = choose_ports(self.state / "ports.json", PORTS, preferred=self._preferred)
        self.secrets = load_secrets(self.state / "secrets.json")
        self.postgres = self._postgres(self.ports, self.secrets)
        self._services = [self.postgres]

    def _postgres(self, ports: Mapping[str, int], secrets: Secrets) -> Postgres:
        return Postgres(
            self.state / "postgres",
            port=ports["postgres"],
            password=secrets.postgres_superuser,
            log=self.logs / "postgres.log",
            keep_open=self.inherited,
        )

    def _build(self, node: Node) -> None:
        self.azurite = Azurite(
            self.state / "azurite",
            node,
            blob_port=self.ports["blob"],
            queue_port=self.ports["queue"],
            log=self.logs / "azurite.log",
            in_memory=self._in_memory,
            keep_open=self.inherited,
        )
        self.cosmos = Cosmos(
            self.state / "cosmos",
            node,
            port=self.ports["cosmos"],
            key=self.secrets.cosmos_key,
            log=self.logs / "cosmos.log",
            keep_open=self.inherited,
        )
        self._services = [self.postgres, self.azurite, self.cosmos]
        self.settings = app_settings(
            self.postgres, self.azurite, self.cosmos, self.secrets, host_port=self.ports["host"]
        )

    def _prepare(self, on_step: Step) -> None:
        from schema.cosmos.containers import create_containers
        from schema.storage import create_storage

        with on_step("Database schema"):
            self.prepare_database()
        with on_step("Blob containers and queues"):
            create_storage(self.azurite.connection_string)
        with on_step("Cosmos DB containers"):
            create_containers(self.cosmos.endpoint, self.secrets.cosmos_key, DATABASE)
