-- name: find_conversations
-- The conversations that these keys name, that of the strongest key first.
SELECT k.conversation_id
FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS wanted (key, place)
JOIN conversation_keys k ON k.project_id = %(project_id)s AND k.source_id = %(source_id)s AND k.key = wanted.key
GROUP BY k.conversation_id
ORDER BY min(wanted.place);

-- name: lock_conversations
-- Whoever holds a conversation sees every message of it, and nobody joins it to another meanwhile.
SELECT id FROM conversations
WHERE project_id = %(project_id)s AND id = ANY(%(ids)s)
ORDER BY id
FOR UPDATE;

-- name: conversations_of_contact
-- Which of these conversations a contact takes part in.
SELECT DISTINCT conversation_id FROM interactions
WHERE project_id = %(project_id)s AND conversation_id = ANY(%(ids)s) AND contact_id = %(contact_id)s;

-- name: move_keys!
-- Names of conversations that turned out to be parts of another one.
UPDATE conversation_keys SET conversation_id = %(into)s
WHERE project_id = %(project_id)s AND source_id = %(source_id)s AND conversation_id = ANY(%(parts)s);

-- name: move_interactions!
-- Messages of conversations that turned out to be parts of another one.
UPDATE interactions SET conversation_id = %(into)s, updated_at = now()
WHERE project_id = %(project_id)s AND conversation_id = ANY(%(parts)s);

-- name: drop_conversations!
-- Conversations that have neither messages nor names any more; the one they became parts of is as late as they were.
WITH dropped AS (
    DELETE FROM conversations WHERE project_id = %(project_id)s AND id = ANY(%(parts)s) RETURNING last_message_at)
UPDATE conversations
SET last_message_at = greatest(last_message_at, (SELECT max(last_message_at) FROM dropped))
WHERE project_id = %(project_id)s AND id = %(into)s;

-- name: lock_thread_keys
-- One writer at a time for each key, in one order, so that a reply that overtakes its mail meets it.
SELECT pg_advisory_xact_lock(hashtextextended(%(source_id)s::text || key, 1))
FROM (SELECT unnest(%(keys)s::text[]) AS key ORDER BY 1) AS sorted;

-- name: upsert_conversation!
-- A conversation, with the time of its last message moving forward only.
INSERT INTO conversations (project_id, id, source_id, channel, subject, last_message_at)
VALUES (%(project_id)s, %(id)s, %(source_id)s, %(channel)s, %(subject)s, %(at)s)
ON CONFLICT (project_id, id) DO UPDATE
SET last_message_at = greatest(conversations.last_message_at, excluded.last_message_at);

-- name: insert_keys!
-- Names by which later messages will find the conversation; a name that is taken keeps its conversation.
INSERT INTO conversation_keys (project_id, source_id, key, conversation_id)
SELECT %(project_id)s, %(source_id)s, key, %(conversation_id)s FROM unnest(%(keys)s::text[]) AS key
ON CONFLICT (project_id, source_id, key) DO NOTHING;
