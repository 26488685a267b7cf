-- name: create_roles!
-- Cluster-wide roles, created once by the server's administrator. None may bypass row-level security.
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['hub_owner', 'hub_app', 'hub_sync', 'hub_sweeper'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', wanted);
        END IF;
    END LOOP;
END
$$;
-- INHERIT FALSE matters: a policy or grant "TO hub_sweeper" must not reach hub_app until it says SET ROLE.
-- What a connection of the app is told at its start too; behind PgBouncer this alone holds.
ALTER ROLE hub_app SET statement_timeout = '30s';
ALTER ROLE hub_app SET lock_timeout = '10s';
ALTER ROLE hub_app SET idle_in_transaction_session_timeout = '60s';
GRANT hub_sync TO hub_app WITH INHERIT FALSE, SET TRUE;
GRANT hub_sweeper TO hub_app WITH INHERIT FALSE, SET TRUE;

-- name: act_as_roles!
-- An administrator who is no superuser may become the roles it made, and log the app in; neither by inheriting.
GRANT hub_owner, hub_app, hub_sync, hub_sweeper TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
ALTER ROLE hub_app LOGIN;
