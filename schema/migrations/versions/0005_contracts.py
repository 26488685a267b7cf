"""Views that keep the shapes of the data contracts readable under their own names."""

from alembic import op

revision = "0005"
down_revision = "0004"

UP = """
CREATE SCHEMA contracts;
GRANT USAGE ON SCHEMA contracts TO hub_app;

-- The interaction contract's shared fields, under its own (camelCase) names.
CREATE VIEW contracts.interactions WITH (security_invoker = true) AS
SELECT id,
       agent_id AS "agentId",
       contact_id AS "contactId",
       organization_id AS "organizationId",
       type,
       content,
       "timestamp",
       metadata,
       project_id AS "projectId"
FROM interactions
WHERE deleted_at IS NULL;

CREATE VIEW contracts.customers WITH (security_invoker = true) AS
SELECT c.id,
       (SELECT i.value FROM contact_identities i
        WHERE i.project_id = c.project_id AND i.contact_id = c.id AND i.type = 'email'
        ORDER BY i.is_primary DESC, i.created_at, i.id LIMIT 1) AS email,
       c.display_name AS name,
       c.created_at,
       c.last_interaction_at,
       c.project_id
FROM contacts c
WHERE c.deleted_at IS NULL;

CREATE VIEW contracts.customer_interactions WITH (security_invoker = true) AS
SELECT id,
       contact_id AS customer_id,
       type AS channel,
       conversation_id,
       created_at,
       project_id
FROM interactions
WHERE deleted_at IS NULL;

CREATE VIEW contracts.messages WITH (security_invoker = true) AS
SELECT m.id,
       m.interaction_id,
       CASE m.direction WHEN 'inbound' THEN 'incoming' ELSE 'outgoing' END AS direction,
       m.content,
       m.content_type,
       m.processed_content,
       m.created_at,
       m.project_id
FROM messages m
JOIN interactions i ON i.project_id = m.project_id AND i.id = m.interaction_id
WHERE i.deleted_at IS NULL;

CREATE VIEW contracts.attachments WITH (security_invoker = true) AS
SELECT a.id, a.message_id, a.type, a.url, a.analysis, a.created_at, a.project_id
FROM attachments a
JOIN messages m ON m.project_id = a.project_id AND m.id = a.message_id
JOIN interactions i ON i.project_id = m.project_id AND i.id = m.interaction_id
WHERE i.deleted_at IS NULL;

CREATE VIEW contracts.context_data WITH (security_invoker = true) AS
SELECT d.id, d.contact_id AS customer_id, d.interaction_id, d.context_type, d.data, d.created_at, d.project_id
FROM context_data d
LEFT JOIN interactions i ON i.project_id = d.project_id AND i.id = d.interaction_id
WHERE i.deleted_at IS NULL;

CREATE VIEW contracts.ai_analysis WITH (security_invoker = true) AS
SELECT a.id, a.message_id, a.classification, a.sentiment, a.entities, a.created_at, a.project_id
FROM ai_analysis a
JOIN messages m ON m.project_id = a.project_id AND m.id = a.message_id
JOIN interactions i ON i.project_id = m.project_id AND i.id = m.interaction_id
WHERE i.deleted_at IS NULL;

CREATE VIEW contracts.ai_interactions WITH (security_invoker = true) AS
SELECT a.id, a."timestamp", a.request, a.response, a.latency_ms, a.error_code, a.error_message, a.model_name, a.user_id,
       a.file_metadata, a.status, a.prompt_hash, a.ip_address, a.project_id
FROM ai_interactions a
LEFT JOIN interactions i ON i.project_id = a.project_id AND i.id = a.interaction_id
WHERE i.deleted_at IS NULL;

GRANT SELECT ON ALL TABLES IN SCHEMA contracts TO hub_app;
"""

DOWN = """
DROP SCHEMA contracts CASCADE;
"""


def upgrade() -> None:
    """Create the views; each reads with the rights, and so the tenant, of whoever asks."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
