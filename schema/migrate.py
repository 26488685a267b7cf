"""Set up a database and move its schema: roles and database by the administrator, tables by `hub_owner`."""

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from shared.stores.sql import SqlBlocks

if TYPE_CHECKING:
    from psycopg.rows import TupleRow

HERE = Path(__file__).parent
ROLES = SqlBlocks(HERE / "roles.sql")
LOCK_TIMEOUT = "5s"  # a migration that waits for a busy table must not queue everyone else behind it


def prepare(admin_dsn: str, *, database: str, passwords: dict[str, str]) -> None:
    """Create the roles, the database and its tables, each only where missing.

    `passwords` maps `hub_owner` and `hub_app` to theirs; the other roles are never logged in to.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(ROLES["create_roles"])
        for role, password in passwords.items():
            admin.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            )
        _create_database(admin, database)
    upgrade(make_conninfo(admin_dsn, dbname=database, user="hub_owner", password=passwords["hub_owner"]))


def prepare_without_passwords(admin_dsn: str, *, database: str) -> None:
    """Do the same where nobody has a password: the administrator, who is no superuser, acts as `hub_owner`.

    Who logs in as `hub_app` is told by `let_in`. The next time it must be the same administrator, or a group.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(ROLES["create_roles"])
        admin.execute(ROLES["act_as_roles"])
        _create_database(admin, database)
    upgrade(as_owner(make_conninfo(admin_dsn, dbname=database)))


def let_in(admin_dsn: str, principal: str) -> None:
    """Let the Entra identity with this object id log in as `hub_app`, with a token in the place of a password."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(entra_label("hub_app", principal))


def entra_label(role: str, principal: str) -> sql.Composed:
    """Return the statement that ties a role to an Entra identity, as Azure Database for PostgreSQL reads it."""
    label = sql.Literal(f"aadauth,oid={UUID(principal)},type=service")
    return sql.SQL('SECURITY LABEL FOR "pgaadauth" ON ROLE {} IS {}').format(sql.Identifier(role), label)


def as_owner(admin_dsn: str) -> str:
    """Return a connection string of the administrator who acts as `hub_owner` from its first statement on."""
    return make_conninfo(admin_dsn, options="-c role=hub_owner")


def upgrade(owner_dsn: str, revision: str = "head") -> None:
    """Migrate up to `revision`."""
    _run(owner_dsn, command.upgrade, revision)


def downgrade(owner_dsn: str, revision: str) -> None:
    """Migrate down to `revision`; `base` is an empty database."""
    _run(owner_dsn, command.downgrade, revision)


def _create_database(admin: "psycopg.Connection[TupleRow]", database: str) -> None:
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        name, owner = sql.Identifier(database), sql.Identifier("hub_owner")
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))


def _run(owner_dsn: str, move: object, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    settings = conninfo_to_dict(owner_dsn)
    settings["options"] = f"{settings.get('options', '')} -c lock_timeout={LOCK_TIMEOUT}".strip()
    engine = create_engine("postgresql+psycopg://", connect_args=settings, poolclass=NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        move(config, revision)  # type: ignore[operator] # alembic's commands are untyped callables
        connection.commit()
    engine.dispose()
