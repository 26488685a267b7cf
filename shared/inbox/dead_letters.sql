-- name: reopen_dead_letter!
-- Work that was replayed and failed again is open again, with its newest reason. Deferrals are no difference.
UPDATE dead_letters
SET state = 'open', reason = %(reason)s, fingerprint = %(fingerprint)s, seen = seen + 1, updated_at = now()
WHERE id = (
    SELECT id FROM dead_letters
    WHERE stage = %(stage)s AND state = 'replayed' AND payload - 'attempt' = %(payload)s::jsonb - 'attempt'
    ORDER BY replayed_at DESC LIMIT 1)
  AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.fingerprint = %(fingerprint)s AND d.id <> dead_letters.id);

-- name: insert_dead_letter!
-- Work that can't succeed as it is; the same failure again only counts up. What an operator discarded stays discarded.
INSERT INTO dead_letters (project_id, stage, reason, payload, fingerprint)
VALUES (
    (SELECT id FROM projects WHERE id = %(project_id)s), %(stage)s, %(reason)s, %(payload)s::jsonb, %(fingerprint)s)
ON CONFLICT (fingerprint) DO UPDATE
SET seen = dead_letters.seen + 1,
    state = CASE dead_letters.state WHEN 'discarded' THEN 'discarded' ELSE 'open' END,
    updated_at = now();

-- name: count_dead_letters
-- How many open letters of one step came within a window, counted up to a limit.
SELECT count(*) AS found FROM (
    SELECT FROM dead_letters
    WHERE stage = %(stage)s AND state = 'open' AND created_at > now() - %(window)s
    LIMIT %(limit)s) AS recent;

-- name: list_dead_letters
-- Dead letters of one project, or of none, newest first.
SELECT id, stage, reason, payload, state, seen, created_at, updated_at, replayed_at, discarded_at, discard_reason
FROM dead_letters
WHERE project_id IS NOT DISTINCT FROM %(project_id)s
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(stage)s::text IS NULL OR stage = %(stage)s)
  AND (created_at, id) < (%(before)s, %(before_id)s)
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s;

-- name: get_dead_letter
-- One dead letter of a project, or of none.
SELECT id, stage, reason, payload, state, seen, created_at, updated_at, replayed_at, discarded_at, discard_reason
FROM dead_letters
WHERE project_id IS NOT DISTINCT FROM %(project_id)s AND id = %(id)s;

-- name: oldest_open
-- The open letters of one step, oldest first.
SELECT id FROM dead_letters
WHERE project_id IS NOT DISTINCT FROM %(project_id)s AND stage = %(stage)s AND state = 'open'
ORDER BY created_at, id
LIMIT %(limit)s;

-- name: mark_replayed
-- An open letter is replayed, by one caller: who comes second waits for the first and finds it no longer open.
-- With `seen`, only when it did not fail again meanwhile.
UPDATE dead_letters SET state = 'replayed', replayed_at = now(), updated_at = now()
WHERE project_id IS NOT DISTINCT FROM %(project_id)s AND id = %(id)s AND state = 'open'
  AND (%(seen)s::integer IS NULL OR seen = %(seen)s)
RETURNING payload;

-- name: discard_dead_letter!
-- An open letter is discarded, with the operator's reason.
UPDATE dead_letters
SET state = 'discarded', discarded_at = now(), discard_reason = %(reason)s, updated_at = now()
WHERE project_id IS NOT DISTINCT FROM %(project_id)s AND id = %(id)s AND state = 'open';
