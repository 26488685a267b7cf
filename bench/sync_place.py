"""A Postgres of the sync benchmark's own: the real schema, filled with made history, and the tables to copy into."""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.sync_documents import EPOCH, ROWS_A_CONTACT, TEXTS, Document, History, identifier, texts
from local.stack.ports import free_port
from local.stack.postgres import Postgres
from local.stack.process import Program
from schema.migrate import prepare
from shared.identifiers import ProjectId
from shared.stores.postgres import Postgres as Store
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("sync_place.sql"))
FILLED = ("projects", "contacts", "interactions", "same")
TUNING = {
    # Memory for every table of a measurement, so that none reads what another one put out.
    "shared_buffers": "8GB",
    # Nobody else writes: no vacuum and no checkpoint within a measurement.
    "autovacuum": "off",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    # A server that has run for a while takes old segments of its log again and has none to fill with zeros.
    "wal_init_zero": "off",
}


class Server(Postgres):
    """The local stack's Postgres, with the memory of a server."""

    def _program(self) -> Program:
        program = super()._program()
        options = tuple(part for name, value in TUNING.items() for part in ("-c", f"{name}={value}"))
        return replace(program, argv=(*program.argv, *options))


@dataclass(frozen=True, slots=True)
class Place:
    """One database: what is in it, and how the administrator and the application connect."""

    history: History
    admin: str
    app: str

    def run(self, *statements: str) -> None:
        """Run statements as the administrator, each on its own."""
        with psycopg.connect(self.admin, autocommit=True) as admin:
            for statement in statements:
                admin.execute(statement.encode())

    def fill(self) -> None:
        """Make the tables what they were at first: as many rows as the history has, all as they are after a sync."""
        history = self.history
        values = {
            "rows": history.rows,
            "contacts": history.contacts,
            "projects": history.projects,
            "epoch": EPOCH,
            "texts": list(texts()),
            "number_of_texts": TEXTS,
        }
        with psycopg.connect(self.admin, autocommit=True) as admin:
            # A million foreign keys that hold by construction need no check.
            admin.execute("SET session_replication_role = replica")
            for name in ("empty", "fill_projects", "fill_contacts", "fill_interactions", "fill_same"):
                admin.execute(SQL[name], values)
        self.run(*(f"VACUUM ANALYZE {table}" for table in FILLED))
        history.start_again()

    async def touch(self, store: Store) -> None:
        """Let the application's connection meet the tables."""
        async with store.tenant(ProjectId(identifier("p", 0)), "hub_sync") as transaction:
            for name in ("by_index", "touch"):
                await transaction.execute(SQL[name])

    def touch_same(self, admin: "psycopg.Connection[Any]") -> None:
        """Let the administrator's connection meet the table to copy into."""
        for name in ("by_index", "touch_same"):
            admin.execute(SQL[name])
        admin.commit()

    def add_contacts(self, documents: Sequence[Document]) -> None:
        """Add the contacts of documents, for who copies rows and makes no placeholders."""
        rows = {(document["projectId"], document["contactId"]) for document in documents}
        with psycopg.connect(self.admin) as admin:
            admin.cursor().executemany(SQL["add_contact"], [{"project": one, "id": other} for one, other in rows])


@contextmanager
def server(state: Path) -> Iterator[Server]:
    """Start Postgres in an empty state directory, and leave nothing of it."""
    with ExitStack() as undo:
        shutil.rmtree(state, ignore_errors=True)
        undo.callback(shutil.rmtree, state, ignore_errors=True)
        state.mkdir(parents=True)
        password = secrets.token_urlsafe(16)
        postgres = Server(state / "postgres", port=free_port(), password=password, log=state / "postgres.log")
        undo.callback(postgres.stop)
        postgres.start()
        yield postgres


@contextmanager
def place(postgres: Server, *, rows: int, projects: int) -> Iterator[Place]:
    """Create a database with so many rows, and drop it in the end."""
    name, passwords = f"rows_{rows}_of_{projects}", {"hub_owner": secrets.token_hex(8), "hub_app": secrets.token_hex(8)}
    prepare(postgres.dsn(), database=name, passwords=passwords)
    history = History(rows, projects, max(rows // ROWS_A_CONTACT, 10 * projects))
    made = Place(history, postgres.dsn(name), postgres.dsn(name, user="hub_app", password=passwords["hub_app"]))
    made.run(*SQL["create_limits"].split(";\n"))
    made.fill()
    yield made
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
