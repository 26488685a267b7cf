"""Projects, their users and their sources."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
CREATE TABLE projects (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    system_user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    project_id uuid NOT NULL REFERENCES projects (id),
    id uuid NOT NULL,
    email text,
    full_name text,
    role text NOT NULL DEFAULT 'agent' CHECK (role IN ('agent', 'operator', 'system')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, email)
);

-- A webhook endpoint of one project. `secrets` is sealed with AES-256-GCM, bound to project and source;
-- `version` counts changes, `published_version` is the one that ingest can see in Blob.
CREATE TABLE sources (
    project_id uuid NOT NULL REFERENCES projects (id),
    id uuid NOT NULL,
    name text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'chat', 'queue')),
    provider text NOT NULL,
    default_agent_id uuid,
    secrets text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    published_version bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, name),
    FOREIGN KEY (project_id, default_agent_id) REFERENCES users (project_id, id)
);
CREATE INDEX sources_unpublished ON sources (project_id) WHERE published_version < version;

ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE projects FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON projects
    USING (id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))
    WITH CHECK (id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid));
CREATE POLICY sweeper ON projects FOR SELECT TO hub_sweeper USING (true);
GRANT SELECT ON projects TO hub_app, hub_sync, hub_sweeper;

DO $$
DECLARE protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY['users', 'sources'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', protected);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', protected);
        EXECUTE format($policy$CREATE POLICY tenant ON %I
            USING (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))
            WITH CHECK (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))$policy$,
            protected);
    END LOOP;
END
$$;
GRANT SELECT ON users TO hub_app;
GRANT SELECT, INSERT, UPDATE ON sources TO hub_app;
"""

DOWN = """
DROP TABLE sources;
DROP TABLE users;
DROP TABLE projects;
"""


def upgrade() -> None:
    """Create the tenants and what belongs to their set-up."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
