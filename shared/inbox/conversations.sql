-- name: find_conversation
-- The conversation that one of these keys names, the strongest key first.
SELECT k.conversation_id
FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS wanted (key, place)
JOIN conversation_keys k ON k.project_id = %(project_id)s AND k.source_id = %(source_id)s AND k.key = wanted.key
ORDER BY wanted.place
LIMIT 1;

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
