-- name: insert_interaction!
-- A new interaction at version 0: not yet confirmed by Cosmos DB. One that is there stays as it is.
INSERT INTO interactions (
    project_id, id, agent_id, contact_id, type, content, "timestamp", metadata,
    direction, subject, external_id, source_platform, conversation_id)
VALUES (
    %(project_id)s, %(id)s,
    coalesce(%(agent_id)s, (SELECT system_user_id FROM projects WHERE id = %(project_id)s)),
    %(contact_id)s, %(type)s, %(content)s, %(timestamp)s, %(metadata)s::jsonb,
    %(direction)s, %(subject)s, %(external_id)s, %(source_platform)s, %(conversation_id)s)
ON CONFLICT (project_id, id) DO NOTHING;

-- name: committed_interaction
-- The row as it stands: what Cosmos DB is given, whoever wrote it.
SELECT project_id, id, agent_id, contact_id, organization_id, type, content, "timestamp", metadata, deleted_at
FROM interactions
WHERE project_id = %(project_id)s AND id = %(id)s;

-- name: insert_message!
-- The content as received or sent.
INSERT INTO messages (
    project_id, id, interaction_id, direction, content, new_text, content_type,
    external_message_id, sender, recipients, sent_at, html)
VALUES (
    %(project_id)s, %(id)s, %(interaction_id)s, %(direction)s, %(content)s, %(new_text)s, %(content_type)s,
    %(external_message_id)s, %(sender)s, %(recipients)s, %(sent_at)s, %(html)s)
ON CONFLICT (project_id, id) DO NOTHING;

-- name: insert_attachment!
-- One file of a message; its bytes are in Blob by content hash.
INSERT INTO attachments (
    project_id, id, message_id, position, type, url, filename, content_type, size_bytes, sha256, blob_name)
VALUES (
    %(project_id)s, %(id)s, %(message_id)s, %(position)s, %(type)s, %(url)s, %(filename)s, %(content_type)s,
    %(size_bytes)s, %(sha256)s, %(blob_name)s)
ON CONFLICT (project_id, id) DO NOTHING;
