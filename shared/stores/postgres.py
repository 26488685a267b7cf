"""Postgres: transactions of one tenant, and of the few roles that cross tenants."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, LiteralString

from shared.errors import Contended, Permanent, Transient
from shared.identifiers import ProjectId
from shared.stores.postgres_login import login

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.rows import DictRow
    from psycopg_pool import AsyncConnectionPool

Role = Literal["hub_app", "hub_sync", "hub_sweeper"]
Row = dict[str, Any]
# Bounds a step's wait, so that a stuck statement becomes a deferral and not a stuck worker.
TRANSACTION_SECONDS = 50  # the server's own limits do not help where the network swallows its answers
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 20_000}
OPTIONS = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"

# What may be an escaped NUL in JSON text; behind an even number of backslashes it is an ordinary text.
_NUL = re.compile(r"\\+u0000")


def holds_nul(json_text: str) -> bool:
    """Whether a JSON text holds U+0000 in a text or a key, which jsonb refuses."""
    return any(len(found) % 2 == 0 for found in _NUL.findall(json_text))


def json_parameter(json_text: bytes) -> object:
    """Return JSON that is written already as a parameter of a statement."""
    from psycopg.types.json import Json

    return Json(json_text, dumps=bytes)


@dataclass(frozen=True, slots=True)
class Statement:
    """A block with what fills its `%(name)s`."""

    query: LiteralString
    parameters: Mapping[str, Any]


def tenant_statement(project: ProjectId, role: Role) -> Statement:
    """Return what makes `project` the tenant, and `role` the role, of the rest of a transaction."""
    # Both end with the transaction (third argument true = SET LOCAL), so no pooled connection carries them on.
    query: LiteralString = "SELECT set_config('app.project_id', %(project)s, true), set_config('role', %(role)s, true)"
    return Statement(query, {"project": str(project), "role": role})


def role_statement(role: Role) -> Statement:
    """Return what makes `role` the role of the rest of a transaction, with no tenant."""
    query: LiteralString = "SELECT set_config('app.project_id', '', true), set_config('role', %(role)s, true)"
    return Statement(query, {"role": role})


class Transaction:
    """One open transaction; `parameters` fill the `%(name)s` of a block."""

    def __init__(self, connection: "AsyncConnection[DictRow]") -> None:
        self._connection = connection

    async def execute(self, query: LiteralString, **parameters: Any) -> int:
        """Run a statement and return how many rows it touched."""
        cursor = await self._connection.execute(query, parameters)
        return cursor.rowcount

    async def one(self, query: LiteralString, **parameters: Any) -> Row | None:
        """Return the first row, or None."""
        cursor = await self._connection.execute(query, parameters)
        return await cursor.fetchone()

    async def all(self, query: LiteralString, **parameters: Any) -> list[Row]:
        """Return every row."""
        cursor = await self._connection.execute(query, parameters)
        return await cursor.fetchall()

    async def together(self, statements: Iterable[Statement]) -> list[list[Row]]:
        """Run statements in one round trip and return the rows of each.

        A statement is taken from `statements` when the one before is on its way, so that the server works meanwhile.
        Raises what the first refused one means, and what came after it is not done: as at the end of a transaction.
        """
        with _classified():
            async with self._connection.pipeline():
                cursors = [await self._connection.execute(each.query, each.parameters) for each in statements]
            return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]

    async def as_tenant(self, project: ProjectId, role: Role = "hub_app") -> None:
        """Make `project` the tenant, and `role` the role, of the rest of this transaction."""
        statement = tenant_statement(project, role)
        await self._connection.execute(statement.query, statement.parameters)

    async def as_role(self, role: Role) -> None:
        """Make `role` the role of the rest of this transaction, with no tenant."""
        statement = role_statement(role)
        await self._connection.execute(statement.query, statement.parameters)

    async def start_again(self) -> None:
        """Undo all that was done so far, tenant and role too, and let what follows be the transaction."""
        await self._connection.rollback()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo the block alone when it raises, tenant and role too, and let the transaction go on.

        What Postgres refuses comes out of the block as it would come out of a transaction.
        """
        with _classified():
            await self._connection.execute("SAVEPOINT part")
            try:
                yield
            except Exception:  # raised again: the savepoint ends whatever came out of the block
                await self._connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
                raise
            await self._connection.execute("RELEASE SAVEPOINT part")


class Postgres:
    """A pool of connections as `hub_app`. What time may cure comes out as Transient, a refused value as Permanent."""

    def __init__(self, dsn: str, *, pool_size: int, pooled: bool = False, client_id: str | None = None) -> None:
        """Without a password in `dsn` the identity `client_id` enters. `pooled`: PgBouncer stands in between."""
        self._dsn = dsn
        self._pooled = pooled
        self._client_id = client_id
        self._pool_size = pool_size
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] | None = None

    @asynccontextmanager
    async def tenant(self, project: ProjectId, role: Role = "hub_app") -> AsyncIterator[Transaction]:
        """Open a transaction of one tenant; it commits when the block ends and rolls back when it raises."""
        async with self.transaction() as transaction:
            await transaction.as_tenant(project, role)
            yield transaction

    @asynccontextmanager
    async def sweeper(self) -> AsyncIterator[Transaction]:
        """Open a transaction of `hub_sweeper`, who sees deliveries, projects, positions and dead letters of all."""
        async with self.transaction() as transaction:
            await transaction.as_role("hub_sweeper")
            yield transaction

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction with no tenant yet: row-level security shows it nothing before `as_tenant`."""
        with _classified():
            pool = await self._open()
            async with asyncio.timeout(TRANSACTION_SECONDS), pool.connection() as connection:
                yield Transaction(connection)

    async def check(self) -> None:
        """Raise Transient unless the database answers."""
        async with self.transaction() as transaction:
            await transaction.one("SELECT 1 AS ok")

    async def close(self) -> None:
        """Close the pool."""
        if self._pool:
            await self._pool.close()
            self._pool = None

    async def _open(self) -> "AsyncConnectionPool[AsyncConnection[DictRow]]":
        if self._pool is None:
            from psycopg_pool import AsyncConnectionPool

            self._pool = AsyncConnectionPool(
                self._dsn,
                min_size=0,
                max_size=self._pool_size,
                timeout=10,
                reconnect_timeout=0,  # a database that is away is met by the next step, not by a background loop
                open=False,
                kwargs=self._arguments,
            )
            await self._pool.open()
        return self._pool

    async def _arguments(self) -> dict[str, Any]:
        """Return what a new connection takes beside the connection string."""
        from psycopg.rows import dict_row

        # Behind PgBouncer a transaction meets any connection: none has what another one prepared, none can be told its
        # limits at the start. Those of the role hold there (schema/roles.sql).
        way: dict[str, Any] = {"prepare_threshold": None} if self._pooled else {"options": OPTIONS}
        entered = await login(self._dsn, self._client_id)
        return {"row_factory": dict_row, "connect_timeout": 5, **KEEPALIVE, **way, **entered}


@contextmanager
def _classified() -> Iterator[None]:
    """Turn what time may cure into Transient, and a value the database refuses into Permanent.

    The text of a database error may hold data, so only its kind is kept.
    """
    import psycopg
    from psycopg import errors

    # A missing table, column or right is a deployment half done: the operator cures it, and no message is to die of it.
    curable = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, psycopg.ProgrammingError)
    # Class 54, a value beyond a limit of the server: psycopg counts it among the operational errors.
    beyond_limits = (errors.ProgramLimitExceeded, errors.StatementTooComplex)
    try:
        yield
    except beyond_limits as error:
        raise Permanent(f"Postgres refuses a value: {type(error).__name__}") from error
    except TimeoutError as error:
        raise Transient(f"Postgres: no answer in {TRANSACTION_SECONDS} s") from error
    except curable as error:
        raise Transient(
            f"Postgres: {type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".rstrip()
        ) from error
    except (errors.UniqueViolation, errors.ForeignKeyViolation) as error:
        raise Contended(f"Postgres: {type(error).__name__}") from error
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise Permanent(f"Postgres refuses a value: {type(error).__name__}") from error
