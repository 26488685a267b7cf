"""Contacts, conversations, interactions, messages and attachments."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = """
-- Ids are random: an id derived from an address would outlive erasure.
CREATE TABLE contacts (
    project_id uuid NOT NULL REFERENCES projects (id),
    id uuid NOT NULL,
    display_name text,
    origin text NOT NULL CHECK (origin IN ('message', 'sync', 'api')),
    merged_into uuid,
    last_interaction_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, merged_into) REFERENCES contacts (project_id, id)
);

CREATE INDEX contacts_by_last_interaction
    ON contacts (project_id, (coalesce(last_interaction_at, created_at)) DESC, id DESC);
CREATE INDEX contacts_merged ON contacts (project_id, merged_into) WHERE merged_into IS NOT NULL;

-- `value` is normalised: email in lower case, phone in E.164, chat as `{source}/{client id}`.
CREATE TABLE contact_identities (
    project_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('email', 'phone', 'chat')),
    value text NOT NULL CHECK (length(value) <= 600),
    is_primary boolean NOT NULL DEFAULT false,
    is_whatsapp_capable boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, type, value),
    FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id)
);
CREATE UNIQUE INDEX contact_identities_one_primary ON contact_identities (project_id, contact_id, type)
    WHERE is_primary;
CREATE INDEX contact_identities_of_contact ON contact_identities (project_id, contact_id);

CREATE TABLE conversations (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    source_id uuid NOT NULL,
    channel text NOT NULL,
    subject text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_message_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, source_id) REFERENCES sources (project_id, id)
);

-- Every provider thread id and Message-ID that a conversation is known by, so that replies join it in any order.
CREATE TABLE conversation_keys (
    project_id uuid NOT NULL,
    source_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) <= 1100),
    conversation_id uuid NOT NULL,
    PRIMARY KEY (project_id, source_id, key),
    FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id)
);
CREATE INDEX conversation_keys_of_conversation ON conversation_keys (project_id, conversation_id);

-- The shared columns (agent_id … metadata, deleted_at, source_*) have one writer: Cosmos DB, through hub_sync.
-- `source_version` 0 means: not yet confirmed by Cosmos DB. See docs/guarantees.md for the order rule.
CREATE TABLE interactions (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    agent_id uuid,
    contact_id uuid NOT NULL,
    organization_id uuid,
    type varchar(50) NOT NULL,
    content text NOT NULL DEFAULT '',
    "timestamp" timestamptz NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    direction text CHECK (direction IN ('inbound', 'outbound', 'mutual')),
    subject text,
    summary text,
    sentiment_score numeric(3, 2) CHECK (sentiment_score BETWEEN -1 AND 1),
    duration_minutes integer,
    meeting_attendees text[],
    external_id text,
    source_platform varchar(50),
    conversation_id uuid,
    source_version bigint NOT NULL DEFAULT 0,
    source_ts bigint NOT NULL DEFAULT 0,
    source_etag text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id),
    FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id)
);
CREATE INDEX interactions_of_contact ON interactions (project_id, contact_id, "timestamp" DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX interactions_of_conversation ON interactions (project_id, conversation_id);

CREATE TABLE messages (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    interaction_id uuid NOT NULL,
    direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    content text NOT NULL,
    new_text text NOT NULL,
    content_type varchar(50) NOT NULL,
    processed_content jsonb,
    external_message_id text,
    sender text,
    recipients text[] NOT NULL DEFAULT '{}',
    sent_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, interaction_id) REFERENCES interactions (project_id, id)
);
CREATE INDEX messages_of_interaction ON messages (project_id, interaction_id);

CREATE TABLE attachments (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    position integer NOT NULL,
    type varchar(50) NOT NULL,
    url varchar(255) NOT NULL,
    filename text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    blob_name text NOT NULL,
    analysis jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, message_id, position),
    FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id)
);

CREATE INDEX attachments_by_content ON attachments (project_id, sha256) WHERE analysis IS NOT NULL;

DO $$
DECLARE protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY['contacts', 'contact_identities', 'conversations', 'conversation_keys',
                                     'interactions', 'messages', 'attachments'] LOOP
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
GRANT UPDATE ON contacts, contact_identities, conversations, messages, attachments TO hub_app;
GRANT UPDATE (conversation_id) ON conversation_keys TO hub_app;
GRANT DELETE ON conversations TO hub_app;
GRANT UPDATE (summary, sentiment_score, conversation_id, updated_at) ON interactions TO hub_app;
GRANT SELECT, INSERT, UPDATE ON interactions TO hub_sync;
GRANT SELECT, INSERT, UPDATE (last_interaction_at, updated_at) ON contacts TO hub_sync;
"""

DOWN = """
DROP TABLE attachments;
DROP TABLE messages;
DROP TABLE interactions;
DROP TABLE conversation_keys;
DROP TABLE conversations;
DROP TABLE contact_identities;
DROP TABLE contacts;
"""


def upgrade() -> None:
    """Create the history of conversations."""
    op.execute(UP)


def downgrade() -> None:
    """Drop it."""
    op.execute(DOWN)
