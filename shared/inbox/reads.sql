-- name: find_contact_by_email
-- The contact that an address belongs to.
SELECT coalesce(c.merged_into, c.id) AS id
FROM contact_identities i
JOIN contacts c ON c.project_id = i.project_id AND c.id = i.contact_id
WHERE i.project_id = %(project_id)s AND i.type = 'email' AND i.value = %(email)s AND c.deleted_at IS NULL;

-- name: list_contacts
-- Contacts by their last interaction, newest first.
SELECT id, display_name, last_interaction_at, created_at
FROM contacts
WHERE project_id = %(project_id)s AND deleted_at IS NULL AND merged_into IS NULL
  AND (coalesce(last_interaction_at, created_at), id) < (%(before)s, %(before_id)s)
ORDER BY coalesce(last_interaction_at, created_at) DESC, id DESC
LIMIT %(limit)s;

-- name: get_contact
-- A contact, or the one it was merged into.
SELECT s.id, s.display_name, s.last_interaction_at, s.created_at
FROM contacts c
JOIN contacts s ON s.project_id = c.project_id AND s.id = coalesce(c.merged_into, c.id)
WHERE c.project_id = %(project_id)s AND c.id = %(id)s AND s.deleted_at IS NULL;

-- name: list_identities
-- Every address of some contacts, of those merged into them too.
SELECT coalesce(c.merged_into, c.id) AS contact_id, i.type, i.value, i.is_primary
FROM contact_identities i
JOIN contacts c ON c.project_id = i.project_id AND c.id = i.contact_id
WHERE i.project_id = %(project_id)s AND (c.id = ANY(%(ids)s) OR c.merged_into = ANY(%(ids)s))
ORDER BY i.type, i.is_primary DESC, i.value;

-- name: list_interactions
-- What was said with a contact, newest first, one page: a page from the index of each contact that was merged.
SELECT i.id, i.agent_id, i.contact_id, i.organization_id, i.conversation_id, i.type, i.direction, i."timestamp",
       i.subject, i.content, m.new_text, i.summary, i.sentiment_score, i.metadata, i.source_etag, m.id AS message_id
FROM contacts c
CROSS JOIN LATERAL (
    SELECT * FROM interactions i
    WHERE i.project_id = %(project_id)s AND i.contact_id = c.id AND i.deleted_at IS NULL
      AND (i."timestamp", i.id) < (%(before)s, %(before_id)s)
    ORDER BY i."timestamp" DESC, i.id DESC
    LIMIT %(limit)s) AS i
LEFT JOIN messages m ON m.project_id = i.project_id AND m.interaction_id = i.id
WHERE c.project_id = %(project_id)s AND (c.id = %(contact_id)s OR c.merged_into = %(contact_id)s)
ORDER BY i."timestamp" DESC, i.id DESC
LIMIT %(limit)s;

-- name: get_interaction
-- One interaction.
SELECT i.id, i.agent_id, i.contact_id, i.organization_id, i.conversation_id, i.type, i.direction, i."timestamp",
       i.subject, i.content, m.new_text, i.summary, i.sentiment_score, i.metadata, i.source_etag, m.id AS message_id
FROM interactions i
LEFT JOIN messages m ON m.project_id = i.project_id AND m.interaction_id = i.id
WHERE i.project_id = %(project_id)s AND i.id = %(id)s AND i.deleted_at IS NULL;

-- name: get_html
-- The HTML of an interaction that is not deleted.
SELECT m.html
FROM interactions i
JOIN messages m ON m.project_id = i.project_id AND m.interaction_id = i.id
WHERE i.project_id = %(project_id)s AND i.id = %(id)s AND i.deleted_at IS NULL AND m.html IS NOT NULL
ORDER BY m.sent_at, m.id
LIMIT 1;

-- name: list_analyses
-- The latest analysis of each of some messages, or why it has none.
SELECT DISTINCT ON (m.id)
       m.id AS message_id, a.engine, a.model, a.prompt_version, a.classification, a.sentiment, a.entities, a.created_at,
       coalesce(m.processed_content -> 'topics', '[]') AS topics,
       coalesce(m.processed_content -> 'promises', '[]') AS promises,
       coalesce(m.processed_content -> 'risks', '[]') AS risks,
       m.processed_content ->> 'status' AS status, m.processed_content ->> 'reason' AS reason
FROM messages m
LEFT JOIN ai_analysis a ON a.project_id = m.project_id AND a.message_id = m.id
WHERE m.project_id = %(project_id)s AND m.id = ANY(%(message_ids)s)
ORDER BY m.id, a.created_at DESC NULLS LAST, a.id;

-- name: list_attachments
-- The files of some messages.
SELECT message_id, id, filename, content_type, size_bytes, url, analysis
FROM attachments
WHERE project_id = %(project_id)s AND message_id = ANY(%(message_ids)s)
ORDER BY message_id, position;

-- name: list_facts
-- What is known of a contact, newest first, one page. Facts of a deleted interaction are gone with it.
SELECT d.id, d.contact_id, d.interaction_id, d.context_type, d.data, d.origin, d.created_at
FROM context_data d
LEFT JOIN interactions i ON i.project_id = d.project_id AND i.id = d.interaction_id
WHERE d.project_id = %(project_id)s
  AND d.contact_id IN (SELECT id FROM contacts c WHERE c.project_id = %(project_id)s
                       AND (c.id = %(contact_id)s OR c.merged_into = %(contact_id)s))
  AND i.deleted_at IS NULL AND (d.created_at, d.id) < (%(before)s, %(before_id)s)
ORDER BY d.created_at DESC, d.id DESC
LIMIT %(limit)s;

-- name: insert_fact!
-- A fact that a service or an agent adds; the same id again changes nothing.
INSERT INTO context_data (project_id, id, contact_id, interaction_id, context_type, data, origin)
VALUES (%(project_id)s, %(id)s, %(contact_id)s, %(interaction_id)s, %(context_type)s, %(data)s::jsonb, 'api')
ON CONFLICT (project_id, id) DO NOTHING;

-- name: get_fact
-- One fact.
SELECT id, contact_id, interaction_id, context_type, data, origin, created_at
FROM context_data WHERE project_id = %(project_id)s AND id = %(id)s;

-- name: interaction_exists
-- Whether a contact, or one merged into it, has this interaction.
SELECT 1 AS found FROM interactions i
JOIN contacts c ON c.project_id = i.project_id AND c.id = i.contact_id
WHERE i.project_id = %(project_id)s AND i.id = %(id)s AND i.deleted_at IS NULL
  AND (c.id = %(contact_id)s OR c.merged_into = %(contact_id)s);

-- name: get_attachment
-- A file that may be read: its interaction is not deleted.
SELECT a.filename, a.content_type, a.blob_name
FROM attachments a
JOIN messages m ON m.project_id = a.project_id AND m.id = a.message_id
JOIN interactions i ON i.project_id = m.project_id AND i.id = m.interaction_id
WHERE a.project_id = %(project_id)s AND a.id = %(id)s AND i.deleted_at IS NULL;
