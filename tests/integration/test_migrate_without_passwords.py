"""A database where nobody has a password: set up by an administrator who is no superuser, as on Azure."""

from typing import Self

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from local.projects import add_project
from local.stack.postgres import Postgres
from schema.migrate import as_owner, entra_label, let_in, prepare_without_passwords, upgrade

PRINCIPAL = "0f2b7c5e-51b4-4f0e-9a53-8a2f5d1c7e11"
OPERATOR = "operator@example.com"


@pytest.fixture
def operator(own_postgres: Postgres) -> str:
    """The connection string of an administrator as Azure makes them: CREATEROLE and CREATEDB, no superuser."""
    own_postgres.start()
    with psycopg.connect(own_postgres.dsn(), autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE \"{OPERATOR}\" LOGIN CREATEROLE CREATEDB PASSWORD 'token'".encode())
    return make_conninfo(own_postgres.dsn(), user=OPERATOR, password="token")


def test_the_administrator_makes_what_the_app_runs_on_and_may_do_so_again(
    operator: str, own_postgres: Postgres
) -> None:
    for _ in range(2):
        prepare_without_passwords(operator, database="hub")
    with psycopg.connect(own_postgres.dsn("hub")) as superuser:
        owners = superuser.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
        attributes = "SELECT rolcanlogin, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = 'hub_app'"
        limits = "SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = 'hub_app' ORDER BY 1"
        assert owners == [("hub_owner",)]
        assert superuser.execute(attributes).fetchone() == (True, False, False, False)
        assert [row[0].partition("=")[0] for row in superuser.execute(limits)] == [
            *("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
        ]
        assert superuser.execute(
            "SELECT count(*) FROM pg_authid WHERE rolname ~ '^hub' AND rolpassword <> ''"
        ).fetchone() == (0,)


def test_the_administrator_sees_no_tenants_rows_without_taking_a_role(operator: str) -> None:
    prepare_without_passwords(operator, database="hub")
    with psycopg.connect(make_conninfo(operator, dbname="hub")) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM contacts")
        connection.rollback()
        connection.execute("SET ROLE hub_app")
        assert connection.execute("SELECT * FROM contacts").fetchall() == []


def test_the_administrator_makes_projects_and_works_with_them_as_the_app_does(operator: str) -> None:
    prepare_without_passwords(operator, database="hub")
    dsn = make_conninfo(operator, dbname="hub")
    project = add_project(as_owner(dsn), "Shop")
    with psycopg.connect(dsn) as connection:
        connection.execute("SET ROLE hub_sweeper")
        assert connection.execute("SELECT id FROM projects").fetchall() == [(project,)]
        connection.execute("SELECT set_config('app.project_id', %s, true)", [str(project)])
        connection.execute("SET ROLE hub_app")
        assert connection.execute("SELECT count(*) FROM sources").fetchone() == (0,)


def test_a_migration_as_owner_keeps_its_lock_timeout(operator: str) -> None:
    prepare_without_passwords(operator, database="hub")
    dsn = as_owner(make_conninfo(operator, dbname="hub"))
    upgrade(dsn)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("hub_owner",)


def test_the_app_is_let_in_by_its_label_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []

    class Administrator:
        """No Postgres but Azure's has a provider of these labels."""

        def __init__(self, dsn: str, *, autocommit: bool) -> None:
            done.append((dsn, autocommit))

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            done.append("closed")

        def execute(self, statement: object) -> None:
            done.append(statement)

    monkeypatch.setattr(psycopg, "connect", Administrator)
    let_in("admin", PRINCIPAL)
    assert done == [("admin", True), entra_label("hub_app", PRINCIPAL), "closed"]


def test_the_label_ties_a_role_to_one_identity_and_to_nothing_else() -> None:
    assert entra_label("hub_app", PRINCIPAL).as_string(None) == (
        f'SECURITY LABEL FOR "pgaadauth" ON ROLE "hub_app" IS \'aadauth,oid={PRINCIPAL},type=service\''
    )
    with pytest.raises(ValueError, match="badly formed"):
        entra_label("hub_app", f"{PRINCIPAL},admin")
