"""What is understood of messages, and the log of every model call."""

from alembic import op

revision = "0003"
down_revision = "0002"

UP = """
CREATE TABLE context_data (
    project_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL,
    interaction_id uuid,
    context_type varchar(50) NOT NULL,
    data jsonb NOT NULL,
    origin text NOT NULL CHECK (origin IN ('analysis', 'api')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id),
    FOREIGN KEY (project_id, interaction_id) REFERENCES interactions (project_id, id)
);
CREATE INDEX context_data_of_contact ON context_data (project_id, contact_id, created_at DESC, id DESC);

CREATE TABLE ai_analysis (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    analysis_version text NOT NULL,
    classification jsonb NOT NULL,
    sentiment jsonb,
    entities jsonb,
    engine text NOT NULL,
    model text NOT NULL,
    prompt_version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, message_id, analysis_version),
    FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id)
);

CREATE TABLE ai_interactions (
    project_id uuid NOT NULL REFERENCES projects (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    request jsonb NOT NULL,
    response jsonb,
    latency_ms integer,
    error_code text,
    error_message text,
    model_name text,
    user_id uuid,
    file_metadata jsonb,
    status text NOT NULL DEFAULT 'success',
    prompt_hash text,
    ip_address inet,
    purpose text NOT NULL,
    interaction_id uuid,
    message_id uuid,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX ai_interactions_of_user ON ai_interactions (project_id, user_id, "timestamp" DESC);
CREATE INDEX ai_interactions_by_time ON ai_interactions (project_id, "timestamp" DESC);

DO $$
DECLARE protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY['context_data', 'ai_analysis', 'ai_interactions'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', protected);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', protected);
        EXECUTE format($policy$CREATE POLICY tenant ON %I
            USING (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))
            WITH CHECK (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))$policy$,
            protected);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO hub_app', protected);
    END LOOP;
END
$$;
"""

DOWN = """
DROP TABLE ai_interactions;
DROP TABLE ai_analysis;
DROP TABLE context_data;
"""


def upgrade() -> None:
    """Create the tables of analysis."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
