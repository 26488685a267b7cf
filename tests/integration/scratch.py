"""A database of a test's own, with the newest schema, on the running server."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from local.stack.stack import Stack
from schema.migrate import prepare


@dataclass(frozen=True)
class Scratch:
    """Connection strings of the administrator, of the tables' owner and of the application."""

    admin: str
    owner: str
    app: str


@contextmanager
def scratch_database(stack: Stack) -> Iterator[Scratch]:
    """Yield a new database, and drop it in the end."""
    name = f"scratch_{secrets.token_hex(4)}"
    roles = stack.secrets.roles()
    prepare(stack.postgres.dsn(), database=name, passwords=roles)
    yield Scratch(
        stack.postgres.dsn(name),
        *(stack.postgres.dsn(name, user=role, password=roles[role]) for role in ("hub_owner", "hub_app")),
    )
    with psycopg.connect(stack.postgres.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
