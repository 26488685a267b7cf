"""Two projects never meet: for every table in the catalog, with every right that a grant could give."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from local.stack.stack import Stack
from shared.errors import Permanent, Transient
from shared.identifiers import ProjectId
from shared.stores.postgres import Postgres, Role
from tests.integration.scratch import Scratch, scratch_database

MINE, THEIRS = ProjectId(uuid.uuid4()), ProjectId(uuid.uuid4())
VALUES = {
    "uuid": "gen_random_uuid()", "text": "md5(random()::text)", "character varying": "md5(random()::text)",
    "jsonb": "'{}'", "timestamp with time zone": "now()", "integer": "1", "bigint": "1", "boolean": "true",
    "date": "current_date",
}  # fmt: skip
REQUIRED = """
    SELECT a.attname AS name, regexp_replace(format_type(a.atttypid, NULL), '\\(.*', '') AS type,
           (SELECT (regexp_match(pg_get_constraintdef(o.oid), '''([^'']+)'''))[1] FROM pg_constraint o
            WHERE o.conrelid = a.attrelid AND o.contype = 'c' AND o.conkey = ARRAY[a.attnum]) AS allowed
    FROM pg_attribute a
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
      AND (NOT a.atthasdef OR a.attname = 'id')"""


@dataclass(frozen=True)
class Table:
    """A tenant table, and how a row of it is made."""

    name: str
    owner: str  # the column that holds the project
    columns: dict[str, str]

    def insert(self, project: UUID) -> sql.Composed:
        values = {name: sql.SQL(value) for name, value in self.columns.items()} | {self.owner: sql.Literal(project)}
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(self.name),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(values.values()),
        )

    def query(self, text: str, **values: UUID) -> sql.Composed:
        literals = {name: sql.Literal(value) for name, value in values.items()}
        return sql.SQL(text).format(table=sql.Identifier(self.name), owner=sql.Identifier(self.owner), **literals)


def read_tables(admin: psycopg.Connection[Any]) -> list[Table]:
    found = admin.execute("SELECT table_name FROM information_schema.columns WHERE column_name = 'project_id'"
                          " AND table_schema = 'public' ORDER BY 1").fetchall()  # fmt: skip
    made = [Table("projects", "id", {})] + [Table(name, "project_id", {}) for (name,) in found]
    for table in made:
        for name, kind, allowed in admin.execute(REQUIRED, [table.name]).fetchall():
            table.columns[name] = f"'{allowed}'" if allowed else VALUES[kind]
    return made


@pytest.fixture(scope="module")
def scratch(stack: Stack) -> Iterator[Scratch]:
    with scratch_database(stack) as database:
        yield database


@pytest.fixture(scope="module")
def all_tables(scratch: Scratch) -> list[Table]:
    """Every tenant table, with a row of either project; the application is granted all there is."""
    with psycopg.connect(scratch.admin) as admin:
        tables = read_tables(admin)
        admin.execute("SET session_replication_role = replica")  # rows of one table at a time: no foreign keys
        for table in tables:
            for project in (MINE, THEIRS):
                admin.execute(table.insert(project))
        admin.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO hub_app, hub_sync")
    assert len(tables) >= 15
    return tables


@pytest.fixture
async def postgres(scratch: Scratch) -> AsyncIterator[Postgres]:
    """The application's pool, of one connection, so that whatever it carries over is met."""
    store = Postgres(scratch.app, pool_size=1)
    yield store
    await store.close()


async def count(postgres: Postgres, query: Any, role: Role = "hub_app") -> int:
    async with postgres.tenant(MINE, role) as transaction:
        return await transaction.execute(query)


async def assert_refused(postgres: Postgres, query: Any, role: Role = "hub_app") -> None:
    """A right that is missing is the operator's to cure, so the pool calls it Transient."""
    with pytest.raises(Transient) as raised:
        await count(postgres, query, role)
    assert isinstance(raised.value.__cause__, InsufficientPrivilege)
    assert "row-level security" in str(raised.value.__cause__)


@pytest.mark.parametrize("role", ["hub_app", "hub_sync"])
async def test_a_project_sees_its_own_rows_and_no_others(
    postgres: Postgres, all_tables: list[Table], role: Role
) -> None:
    for table in all_tables:
        async with postgres.tenant(MINE, role) as transaction:
            rows = await transaction.all(table.query("SELECT DISTINCT {owner} AS project FROM {table}"))  # type: ignore[arg-type] # composed, not a literal
        assert rows == [{"project": MINE}], table.name


@pytest.mark.parametrize("role", ["hub_app", "hub_sync"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET {owner} = {owner} WHERE {owner} = {theirs}", "DELETE FROM {table} WHERE {owner} = {theirs}"],
)
async def test_a_project_changes_no_row_of_another(
    postgres: Postgres, all_tables: list[Table], statement: str, role: Role
) -> None:
    for table in all_tables:
        assert await count(postgres, table.query(statement, theirs=THEIRS), role) == 0, table.name


@pytest.mark.parametrize("role", ["hub_app", "hub_sync"])
async def test_a_project_inserts_no_row_for_another(postgres: Postgres, all_tables: list[Table], role: Role) -> None:
    for table in all_tables:
        await assert_refused(postgres, table.insert(THEIRS), role)


async def test_a_project_gives_no_row_away(postgres: Postgres, all_tables: list[Table]) -> None:
    for table in all_tables:
        await assert_refused(postgres, table.query("UPDATE {table} SET {owner} = {theirs}", theirs=THEIRS))


@pytest.mark.parametrize("login", ["app", "owner"])
def test_without_a_tenant_nothing_is_there(scratch: Scratch, all_tables: list[Table], login: str) -> None:
    with psycopg.connect(getattr(scratch, login)) as connection:
        for table in all_tables:
            assert connection.execute(table.query("SELECT 1 FROM {table}")).fetchall() == [], table.name


def test_a_sweepers_view_needs_the_sweepers_role(scratch: Scratch, all_tables: list[Table]) -> None:
    with psycopg.connect(scratch.app) as connection:
        before = connection.execute("SELECT count(*) FROM projects").fetchone()
        connection.execute("SET LOCAL ROLE hub_sweeper")
        after = connection.execute("SELECT count(*) FROM projects").fetchone()
    assert (before, after) == ((0,), (2,))


async def test_the_sweeper_sees_what_crosses_tenants_and_is_refused_the_rest(
    postgres: Postgres, all_tables: list[Table]
) -> None:
    seen, refusals = {}, set()
    for table in all_tables:
        try:
            async with postgres.sweeper() as transaction:
                seen[table.name] = len(await transaction.all(table.query("SELECT 1 FROM {table}")))  # type: ignore[arg-type] # composed, not a literal
        except Transient as error:
            refusals.add(type(error.__cause__))
    assert refusals == {InsufficientPrivilege}
    crossing = ("projects", "deliveries", "dead_letters", "reconciliations", "reconciliation_findings")
    assert seen == dict.fromkeys(crossing, 2)


async def visible(postgres: Postgres) -> tuple[int, str, str]:
    """What a transaction sees that was never told a tenant, and who it is."""
    async with postgres.transaction() as transaction:
        row = await transaction.one(
            "SELECT (SELECT count(*) FROM contacts) AS rows, coalesce(current_setting('app.project_id', true), '')"
            " AS project, current_user::text AS role"
        )
    assert row is not None
    return row["rows"], row["project"], row["role"]


async def commits(postgres: Postgres) -> None:
    async with postgres.tenant(MINE, "hub_sync") as transaction:
        await transaction.one("SELECT 1")


async def fails_in_python(postgres: Postgres) -> None:
    with pytest.raises(LookupError):
        async with postgres.tenant(MINE, "hub_sync"):
            raise LookupError


async def fails_in_postgres(postgres: Postgres) -> None:
    with pytest.raises(Permanent):
        async with postgres.tenant(MINE, "hub_sync") as transaction:
            await transaction.one("SELECT 'no uuid'::uuid")


async def sweeps(postgres: Postgres) -> None:
    async with postgres.sweeper() as transaction:
        await transaction.one("SELECT 1")


@pytest.mark.parametrize("use", [commits, fails_in_python, fails_in_postgres, sweeps])
async def test_a_pooled_connection_carries_neither_tenant_nor_role_over(
    postgres: Postgres, all_tables: list[Table], use: Callable[[Postgres], Any]
) -> None:
    await use(postgres)
    assert await visible(postgres) == (0, "", "hub_app")


async def test_a_transaction_may_change_its_tenant_and_sees_one_at_a_time(
    postgres: Postgres, all_tables: list[Table]
) -> None:
    seen = []
    async with postgres.transaction() as transaction:
        for project in (MINE, THEIRS):
            await transaction.as_tenant(project)
            seen.append(await transaction.all("SELECT project_id FROM contacts"))
        await transaction.as_role("hub_app")
        seen.append(await transaction.all("SELECT project_id FROM contacts"))
    assert seen == [[{"project_id": MINE}], [{"project_id": THEIRS}], []]
