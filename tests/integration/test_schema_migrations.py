"""Migrations go up, down and up again, and leave nothing behind."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from local.stack.stack import Stack
from schema.migrate import downgrade, prepare, upgrade
from tests.integration.scratch import Scratch, scratch_database

OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
# Everything that a migration makes, as text that tells any difference.
CATALOG = {
    "schemas": f"SELECT nspname, nspacl::text FROM pg_namespace n WHERE {OURS}",
    "relations": f"""
        SELECT n.nspname, relname, relkind, relrowsecurity, relforcerowsecurity, reloptions::text, relacl::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE {OURS}""",
    "columns": f"""
        SELECT n.nspname, relname, attname, format_type(atttypid, atttypmod), attnotnull, attacl::text,
               pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE {OURS} AND attnum > 0
          AND NOT attisdropped""",
    "constraints": f"""
        SELECT n.nspname, conrelid::regclass::text, conname, pg_get_constraintdef(o.oid)
        FROM pg_constraint o JOIN pg_namespace n ON n.oid = connamespace WHERE {OURS}""",
    "indexes": f"SELECT schemaname, indexname, indexdef FROM pg_indexes JOIN pg_namespace n ON nspname = schemaname"
    f" WHERE {OURS}",
    "policies": "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies",
    "views": f"SELECT schemaname, viewname, definition FROM pg_views JOIN pg_namespace n ON nspname = schemaname"
    f" WHERE {OURS}",
    "functions": f"SELECT n.nspname, proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE {OURS}",
    "types": f"""
        SELECT n.nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
        WHERE {OURS} AND typtype IN ('e', 'd', 'c')""",
}


@pytest.fixture(scope="module")
def scratch(stack: Stack) -> Iterator[Scratch]:
    with scratch_database(stack) as database:
        yield database


def catalog(database: Scratch) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(database.admin) as admin:
        return {
            name: sorted(row for row in admin.execute(query.encode()).fetchall() if "alembic_version" not in str(row))
            for name, query in CATALOG.items()
        }


def revision(database: Scratch) -> str | None:
    with psycopg.connect(database.admin) as admin:
        row = admin.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def test_what_goes_up_comes_down_and_goes_up_again_the_same(scratch: Scratch) -> None:
    before, newest = catalog(scratch), revision(scratch)
    downgrade(scratch.owner, "base")
    emptied = catalog(scratch)
    upgrade(scratch.owner)
    assert [row[0] for row in emptied.pop("schemas")] == ["public"]
    assert {name: rows for name, rows in emptied.items() if rows} == {}
    assert catalog(scratch) == before
    assert revision(scratch) == newest


def test_every_single_step_can_be_taken_back(scratch: Scratch) -> None:
    newest = revision(scratch)
    assert newest is not None
    steps = [f"{number:04}" for number in range(int(newest), 0, -1)]
    before = {}
    for step, below in zip(steps, [*steps[1:], "base"], strict=True):
        before[step] = catalog(scratch)
        downgrade(scratch.owner, below)
    for step in reversed(steps):
        upgrade(scratch.owner, step)
        assert catalog(scratch) == before[step]


def test_migrating_what_is_at_its_newest_changes_nothing(scratch: Scratch, stack: Stack) -> None:
    before = catalog(scratch)
    upgrade(scratch.owner)
    name = psycopg.conninfo.conninfo_to_dict(scratch.admin)["dbname"]
    prepare(stack.postgres.dsn(), database=str(name), passwords=stack.secrets.roles())
    assert catalog(scratch) == before


def test_a_migration_waits_for_a_busy_table_no_longer_than_its_limit(scratch: Scratch) -> None:
    with psycopg.connect(scratch.owner) as busy:
        busy.execute("LOCK TABLE contacts IN ACCESS SHARE MODE")
        with pytest.raises(Exception, match="lock timeout"):
            downgrade(scratch.owner, "base")
    assert catalog(scratch)["relations"]
