"""Model calls are in the log before they are made: their tokens, cost and budget, and how long they are kept."""

from alembic import op

revision = "0009"
down_revision = "0008"

UP = """
-- How much of a call the log keeps, for how many days its bodies and then its row; what a day may take (NULL: any).
ALTER TABLE projects
    ADD COLUMN ai_bodies text NOT NULL DEFAULT 'full' CHECK (ai_bodies IN ('full', 'redacted', 'hashed', 'none')),
    ADD COLUMN ai_body_days integer NOT NULL DEFAULT 90 CHECK (ai_body_days > 0),
    ADD COLUMN ai_log_days integer NOT NULL DEFAULT 730 CHECK (ai_log_days > 0),
    ADD COLUMN ai_daily_tokens bigint CHECK (ai_daily_tokens >= 0),
    ADD COLUMN ai_daily_cost numeric(14, 6) CHECK (ai_daily_cost >= 0);

-- `claim` is the hash of a paid question, the same for its repairs: one is under way at a time. `answer` is what was
-- understood of the response, until it is stored where it belongs. A `deferred` row waits to become a call.
ALTER TABLE ai_interactions
    ADD COLUMN provider text,
    ADD COLUMN deployment text,
    ADD COLUMN answered_model text,
    ADD COLUMN repair integer,
    ADD COLUMN input_tokens bigint,
    ADD COLUMN cached_tokens bigint,
    ADD COLUMN cache_write_tokens bigint,
    ADD COLUMN image_tokens bigint,
    ADD COLUMN output_tokens bigint,
    ADD COLUMN reasoning_tokens bigint,
    ADD COLUMN total_tokens bigint,
    ADD COLUMN cost numeric(20, 10),
    ADD COLUMN currency text,
    ADD COLUMN body text CHECK (body IN ('full', 'redacted', 'hashed', 'none', 'expired')),
    ADD COLUMN claim text,
    ADD COLUMN answer jsonb,
    ADD COLUMN deadline timestamptz,
    ADD COLUMN budget_day date,
    ADD COLUMN reserved_tokens bigint,
    ADD COLUMN reserved_cost numeric(20, 10),
    ADD CONSTRAINT ai_interactions_status CHECK (status IN ('pending', 'success', 'error', 'unknown', 'deferred')),
    ADD CONSTRAINT ai_interactions_tokens CHECK (
        total_tokens = input_tokens + cached_tokens + cache_write_tokens + image_tokens + output_tokens
                     + reasoning_tokens);
UPDATE ai_interactions SET body = 'full';
CREATE UNIQUE INDEX ai_interactions_under_way ON ai_interactions (project_id, message_id, claim)
    WHERE status = 'pending';
CREATE INDEX ai_interactions_of_message ON ai_interactions (project_id, message_id, "timestamp" DESC);
CREATE INDEX ai_interactions_pending ON ai_interactions (project_id, deadline) WHERE status = 'pending';
CREATE INDEX ai_interactions_deferred ON ai_interactions (project_id) WHERE status = 'deferred';
CREATE INDEX ai_interactions_with_body ON ai_interactions (project_id, "timestamp") WHERE body <> 'expired';
CREATE INDEX ai_interactions_with_answer ON ai_interactions (project_id, "timestamp") WHERE answer IS NOT NULL;
GRANT UPDATE, DELETE ON ai_interactions TO hub_app;

-- What a project's calls of one day (UTC) took, and what those under way may take at most.
CREATE TABLE ai_budget_days (
    project_id uuid NOT NULL REFERENCES projects (id),
    day date NOT NULL,
    reserved_tokens bigint NOT NULL DEFAULT 0,
    reserved_cost numeric(20, 10) NOT NULL DEFAULT 0,
    spent_tokens bigint NOT NULL DEFAULT 0,
    spent_cost numeric(20, 10) NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, day)
);
ALTER TABLE ai_budget_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE ai_budget_days FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ai_budget_days
    USING (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid))
    WITH CHECK (project_id = (SELECT nullif(current_setting('app.project_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON ai_budget_days TO hub_app;

-- The contract's table holds calls: what waits to be one is none yet.
CREATE OR REPLACE VIEW contracts.ai_interactions WITH (security_invoker = true) AS
SELECT a.id, a."timestamp", a.request, a.response, a.latency_ms, a.error_code, a.error_message, a.model_name, a.user_id,
       a.file_metadata, a.status, a.prompt_hash, a.ip_address, a.project_id
FROM ai_interactions a
LEFT JOIN interactions i ON i.project_id = a.project_id AND i.id = a.interaction_id
WHERE i.deleted_at IS NULL AND a.status <> 'deferred';
"""

DOWN = """
CREATE OR REPLACE VIEW contracts.ai_interactions WITH (security_invoker = true) AS
SELECT a.id, a."timestamp", a.request, a.response, a.latency_ms, a.error_code, a.error_message, a.model_name, a.user_id,
       a.file_metadata, a.status, a.prompt_hash, a.ip_address, a.project_id
FROM ai_interactions a
LEFT JOIN interactions i ON i.project_id = a.project_id AND i.id = a.interaction_id
WHERE i.deleted_at IS NULL;
DROP TABLE ai_budget_days;
REVOKE UPDATE, DELETE ON ai_interactions FROM hub_app;
DROP INDEX ai_interactions_under_way, ai_interactions_of_message, ai_interactions_pending, ai_interactions_deferred,
    ai_interactions_with_body, ai_interactions_with_answer;
ALTER TABLE ai_interactions
    DROP CONSTRAINT ai_interactions_status,
    DROP CONSTRAINT ai_interactions_tokens,
    DROP COLUMN provider, DROP COLUMN deployment, DROP COLUMN answered_model, DROP COLUMN repair,
    DROP COLUMN input_tokens, DROP COLUMN cached_tokens, DROP COLUMN cache_write_tokens, DROP COLUMN image_tokens,
    DROP COLUMN output_tokens, DROP COLUMN reasoning_tokens, DROP COLUMN total_tokens, DROP COLUMN cost,
    DROP COLUMN currency, DROP COLUMN body, DROP COLUMN claim, DROP COLUMN answer, DROP COLUMN deadline,
    DROP COLUMN budget_day, DROP COLUMN reserved_tokens, DROP COLUMN reserved_cost;
ALTER TABLE projects
    DROP COLUMN ai_bodies, DROP COLUMN ai_body_days, DROP COLUMN ai_log_days, DROP COLUMN ai_daily_tokens,
    DROP COLUMN ai_daily_cost;
"""


def upgrade() -> None:
    """Add the accounts of model calls."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
