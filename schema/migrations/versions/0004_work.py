"""Work in flight: deliveries and their messages, dead letters, positions of readers."""

from alembic import op

revision = "0004"
down_revision = "0003"

UP = """
-- One webhook call. `next_look_at` is when the sweep may enqueue it again if it has not come to an end by then.
CREATE TABLE deliveries (
    project_id uuid NOT NULL REFERENCES projects (id),
    id uuid NOT NULL,
    source_id uuid NOT NULL,
    blob_name text NOT NULL,
    state text NOT NULL CHECK (state IN ('received', 'done', 'quarantined', 'dead')),
    reason text,
    received_at timestamptz NOT NULL,
    next_look_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id)
);

CREATE TABLE delivery_messages (
    project_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    position integer NOT NULL,
    interaction_id uuid,
    state text NOT NULL CHECK (state IN ('stored', 'done', 'quarantined', 'dead')),
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, delivery_id, position),
    FOREIGN KEY (project_id, delivery_id) REFERENCES deliveries (project_id, id)
);

-- Work that can't succeed as it is. No project where none could be told; `payload` points, it holds no content.
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid REFERENCES projects (id),
    stage text NOT NULL,
    reason text NOT NULL,
    payload jsonb NOT NULL,
    fingerprint text NOT NULL UNIQUE,
    seen integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_of_project ON dead_letters (project_id, created_at DESC);

-- How far a reader that crosses tenants has come.
CREATE TABLE sync_positions (
    name text PRIMARY KEY,
    position text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY['deliveries', 'delivery_messages', 'dead_letters'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', protected);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', protected);
        EXECUTE format($policy$CREATE POLICY tenant ON %I
            USING (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))
            WITH CHECK (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))$policy$,
            protected);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO hub_app', protected);
    END LOOP;
    FOREACH protected IN ARRAY ARRAY['deliveries', 'dead_letters'] LOOP
        EXECUTE format('CREATE POLICY sweeper ON %I TO hub_sweeper USING (true) WITH CHECK (true)', protected);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO hub_sweeper', protected);
    END LOOP;
END
$$;
ALTER TABLE sync_positions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_positions FORCE ROW LEVEL SECURITY;
CREATE POLICY sweeper ON sync_positions TO hub_sweeper USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON sync_positions TO hub_sweeper;
"""

DOWN = """
DROP TABLE sync_positions;
DROP TABLE dead_letters;
DROP TABLE delivery_messages;
DROP TABLE deliveries;
"""


def upgrade() -> None:
    """Create the records of work."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
