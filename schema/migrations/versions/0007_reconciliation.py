"""What comparing Cosmos DB with Postgres found, run by run and interaction by interaction."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = """
-- One run of the reconciler, as far as it met the project. Without `finished_at` it is at work, or was cut off.
-- `differing` counts confirmed differences, `waiting` those too young to be any. Refused: too many to be repaired.
CREATE TABLE reconciliations (
    project_id uuid NOT NULL REFERENCES projects (id),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    compared bigint NOT NULL DEFAULT 0,
    differing bigint NOT NULL DEFAULT 0,
    repaired bigint NOT NULL DEFAULT 0,
    waiting bigint NOT NULL DEFAULT 0,
    refused boolean NOT NULL DEFAULT false,
    PRIMARY KEY (project_id, started_at)
);

-- One interaction whose document and row differ: no foreign key, because either may be missing.
CREATE TABLE reconciliation_findings (
    project_id uuid NOT NULL REFERENCES projects (id),
    interaction_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'missing_row', 'absent_in_cosmos', 'another_project', 'deleted_on_one_side', 'older_version',
        'other_content', 'other_metadata', 'other_fields')),
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    resolved_at timestamptz,
    PRIMARY KEY (project_id, interaction_id, contact_id)
);
CREATE INDEX reconciliation_findings_open ON reconciliation_findings (project_id, last_seen_at)
    WHERE resolved_at IS NULL;

DO $$
DECLARE protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY['reconciliations', 'reconciliation_findings'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', protected);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', protected);
        EXECUTE format($policy$CREATE POLICY tenant ON %I
            USING (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))
            WITH CHECK (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))$policy$,
            protected);
        EXECUTE format('CREATE POLICY sweeper ON %I TO hub_sweeper USING (true) WITH CHECK (true)', protected);
        EXECUTE format('GRANT SELECT ON %I TO hub_app', protected);
        -- The past of a reconciler is of no use for ever: what is older than a month goes.
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hub_sweeper', protected);
    END LOOP;
END
$$;
"""

DOWN = """
DROP TABLE reconciliation_findings;
DROP TABLE reconciliations;
"""


def upgrade() -> None:
    """Create the records of comparisons."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
