"""What the catalog says of tenancy, so that a table added later is held to it too."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from local.stack.stack import Stack
from tests.integration.scratch import Scratch, scratch_database

TENANT_TEST = "= ( SELECT (NULLIF(current_setting('app.project_id'::text, true), ''::text))::uuid"
SHARED_COLUMNS = (
    "agent_id", "contact_id", "organization_id", "type", "content", "timestamp", "metadata", "deleted_at",
    "source_version", "source_ts", "source_etag",
)  # fmt: skip
# A dead letter may have no project, so its keys can't start with one.
NO_TENANT_KEY = {"dead_letters"}
# Two threads that turn out to be one become one row; what was found by comparing is kept for a month.
RECONCILER = {"reconciliations", "reconciliation_findings"}
# The log of model calls is kept for as long as its project wants.
DELETES = {
    ("hub_app", "conversations"),
    ("hub_app", "ai_interactions"),
    *(("hub_sweeper", table) for table in RECONCILER),
}
CROSS_TENANT = {"deliveries", "projects", "sync_positions", "dead_letters", *RECONCILER}


@pytest.fixture(scope="module")
def scratch(stack: Stack) -> Iterator[Scratch]:
    with scratch_database(stack) as database:
        yield database


@pytest.fixture(scope="module")
def admin(scratch: Scratch) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(scratch.admin, autocommit=True, row_factory=dict_row) as connection:
        yield connection


Admin = psycopg.Connection[dict[str, Any]]


def tables(admin: Admin) -> list[str]:
    """Every table but Alembic's own note."""
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    return sorted(row["relname"] for row in admin.execute(query) if row["relname"] != "alembic_version")


def tenant_tables(admin: Admin) -> list[str]:
    query = (
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'project_id'"
    )
    return sorted(row["table_name"] for row in admin.execute(query))


def test_every_table_is_a_tenants_but_projects_and_positions(admin: Admin) -> None:
    assert set(tables(admin)) - set(tenant_tables(admin)) == {"projects", "sync_positions"}


def test_row_security_is_on_and_holds_for_the_owner_too(admin: Admin) -> None:
    query = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass"
    for table in tables(admin):
        assert admin.execute(query, [table]).fetchone() == {"relrowsecurity": True, "relforcerowsecurity": True}, table


def test_every_tenant_table_tests_the_tenant_when_reading_and_when_writing(admin: Admin) -> None:
    query = "SELECT * FROM pg_policies WHERE tablename = %s AND roles = '{public}'"
    for table in [*tenant_tables(admin), "projects"]:
        (policy,) = admin.execute(query, [table]).fetchall()
        column = "id" if table == "projects" else "project_id"
        assert (policy["cmd"], policy["permissive"]) == ("ALL", "PERMISSIVE")
        assert policy["qual"].startswith(f"({column} {TENANT_TEST}"), table
        assert policy["with_check"] == policy["qual"], table


def test_policies_for_a_role_are_the_sweepers_alone(admin: Admin) -> None:
    rows = admin.execute("SELECT tablename, roles::text FROM pg_policies WHERE roles <> '{public}'").fetchall()
    assert {(row["tablename"], row["roles"]) for row in rows} == {(table, "{hub_sweeper}") for table in CROSS_TENANT}


def test_keys_start_with_the_project(admin: Admin) -> None:
    query = """
        SELECT i.indexrelid::regclass::text AS name,
               (SELECT attname FROM pg_attribute WHERE attrelid = i.indrelid AND attnum = i.indkey[0]) AS first
        FROM pg_index i WHERE i.indrelid = %s::regclass AND i.indisunique"""
    for table in set(tenant_tables(admin)) - NO_TENANT_KEY:
        keys = admin.execute(query, [table]).fetchall()
        assert keys
        assert {key["first"] for key in keys} == {"project_id"}, keys


def test_foreign_keys_between_tenant_tables_carry_the_project(admin: Admin) -> None:
    query = """
        SELECT conname, conrelid::regclass::text AS referring, confrelid::regclass::text AS referred,
               (SELECT array_agg(attname::text ORDER BY attnum = ANY(conkey), attnum) FROM pg_attribute
                WHERE attrelid = conrelid AND attnum = ANY(conkey)) AS columns,
               (SELECT array_agg(attname::text) FROM pg_attribute
                WHERE attrelid = confrelid AND attnum = ANY(confkey)) AS targets
        FROM pg_constraint WHERE contype = 'f'"""
    keys = admin.execute(query).fetchall()
    between = [key for key in keys if key["referred"] != "projects"]
    assert len(between) >= 10
    for key in between:
        assert "project_id" in key["columns"], key
        assert "project_id" in key["targets"], key


@pytest.mark.parametrize("role", ["hub_owner", "hub_app", "hub_sync", "hub_sweeper"])
def test_no_role_may_pass_row_security(admin: Admin, role: str) -> None:
    query = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s"
    row = admin.execute(query, [role]).fetchone()
    assert row is not None
    assert not any(row.values())


def test_only_the_owner_owns(admin: Admin) -> None:
    query = """
        SELECT DISTINCT relowner::regrole::text AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname IN ('public', 'contracts')"""
    assert admin.execute(query).fetchall() == [{"owner": "hub_owner"}]
    for role in ("hub_app", "hub_sync", "hub_sweeper"):
        row = admin.execute("SELECT pg_has_role(%s, 'hub_owner', 'MEMBER') AS member", [role]).fetchone()
        assert row == {"member": False}


def test_the_application_takes_other_roles_only_by_name(admin: Admin) -> None:
    query = """
        SELECT roleid::regrole::text AS role, inherit_option, set_option, admin_option
        FROM pg_auth_members WHERE member = 'hub_app'::regrole"""
    for row in admin.execute(query).fetchall():
        assert (row["inherit_option"], row["set_option"], row["admin_option"]) == (False, True, False), row


@pytest.mark.parametrize("column", SHARED_COLUMNS)
def test_shared_columns_of_interactions_are_updated_by_sync_alone(admin: Admin, column: str) -> None:
    query = "SELECT has_column_privilege(%s, 'interactions', %s, 'UPDATE') AS granted"
    granted = {role: admin.execute(query, [role, column]).fetchone() for role in ("hub_app", "hub_sync", "hub_sweeper")}
    assert granted == {
        "hub_app": {"granted": False},
        "hub_sync": {"granted": True},
        "hub_sweeper": {"granted": False},
    }


def test_the_application_deletes_no_rows_but_joined_threads_and_old_calls_and_empties_no_table(admin: Admin) -> None:
    query = "SELECT has_table_privilege(%s, %s, 'DELETE') AS deletes, has_table_privilege(%s, %s, %s) AS more"
    for table in tables(admin):
        for role in ("hub_app", "hub_sync", "hub_sweeper"):
            row = admin.execute(query, [role, table, role, table, "TRUNCATE, REFERENCES, TRIGGER"]).fetchone() or {}
            assert not row["more"], (role, table)
            assert not row["deletes"] or (role, table) in DELETES, (role, table)


def test_the_sweeper_is_granted_what_crosses_tenants_and_nothing_else(admin: Admin) -> None:
    query = "SELECT has_any_column_privilege('hub_sweeper', %s, 'SELECT, INSERT, UPDATE') AS granted"
    granted = {table for table in tables(admin) if (admin.execute(query, [table]).fetchone() or {})["granted"]}
    assert granted == CROSS_TENANT


def test_the_application_makes_no_objects(admin: Admin) -> None:
    for role in ("hub_app", "hub_sync", "hub_sweeper"):
        for schema in ("public", "contracts"):
            query = "SELECT has_schema_privilege(%s, %s, 'CREATE') AS granted"
            assert admin.execute(query, [role, schema]).fetchone() == {"granted": False}


def test_every_view_reads_with_the_rights_of_whoever_asks(admin: Admin) -> None:
    query = """
        SELECT relname, reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind IN ('v', 'm') AND nspname IN ('public', 'contracts')"""
    views = admin.execute(query).fetchall()
    assert len(views) >= 8
    assert all("security_invoker=true" in (view["reloptions"] or []) for view in views)
