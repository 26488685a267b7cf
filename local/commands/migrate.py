from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from local import terminal
from local.checkout import CHECKOUT
from local.commands.up import up_stack
from local.trouble import Trouble

USAGE = "Use ./dev migrate [up | down | REVISION]."


def main(argv: Sequence[str]) -> int:
    """Move the schema of `./dev up`'s database: to the newest (`up`), one step back (`down`), or to a revision."""
    if len(argv) > 1 or any(word.startswith("-") for word in argv):
        raise Trouble(f"can't understand {' '.join(argv)!r}", do=USAGE)
    target = argv[0] if argv else "up"
    with _database(missing_ok=target == "up") as owner_dsn:
        before = _revision(owner_dsn)
        with terminal.step(f"Schema from {before or 'nothing'} to {target}"):
            _move(owner_dsn, before, target)
        print(f"The schema is at {_revision(owner_dsn) or 'nothing'}.")
    return 0


@contextmanager
def _database(*, missing_ok: bool) -> Iterator[str]:
    """The owner's connection string, of the running `./dev up` or of its Postgres started for the moment.

    With `missing_ok` a database that is not there yet is made.
    """
    stack = up_stack()
    if stack.running_elsewhere():
        yield stack.owner_dsn()
        return
    stack.start_postgres(terminal.step)
    try:
        if missing_ok:
            with terminal.step("Database"):
                stack.prepare_database()
        yield stack.owner_dsn()
    finally:
        stack.stop(terminal.step)


def _revision(owner_dsn: str) -> str:
    """The database's revision, empty for none. Raises Trouble when there is no database yet."""
    import psycopg

    try:
        with psycopg.connect(owner_dsn) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return ""
    except psycopg.OperationalError as error:
        raise Trouble(
            f"the database can't be reached: {error}", do="Run ./dev up once: it makes the database."
        ) from None
    return str(row[0]) if row else ""


def _move(owner_dsn: str, before: str, target: str) -> None:
    from alembic.util.exc import CommandError

    from schema.migrate import downgrade, upgrade

    try:
        if target == "up":
            upgrade(owner_dsn)
        elif target == "down":
            downgrade(owner_dsn, "-1")
        elif target == "base" or target in _older_than(before):
            downgrade(owner_dsn, target)
        else:
            upgrade(owner_dsn, target)
    except CommandError as error:
        raise Trouble(
            f"the schema was not moved: {error}", do=f"The files in schema/migrations name them. {USAGE}"
        ) from None


def _older_than(revision: str) -> set[str]:
    """The revisions that come before `revision`."""
    from alembic.script import ScriptDirectory

    if not revision:
        return set()
    scripts = ScriptDirectory(str(CHECKOUT / "schema" / "migrations"))
    return {script.revision for script in scripts.iterate_revisions(revision, "base")} - {revision}
