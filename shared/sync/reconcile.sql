-- name: projects
-- Every project: a row that nothing points at is met only by asking each for its rows.
SELECT id FROM projects ORDER BY id;

-- name: rows_of_range
-- The next rows of a range of ids, spelled as `read_change` spells a document. Contents stay where they are.
SELECT id, contact_id, agent_id::text, organization_id::text, type,
       encode(sha256(convert_to(content, 'UTF8')), 'hex') AS content_sha256, metadata::text,
       to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "timestamp",
       deleted_at IS NOT NULL AS deleted, source_version, source_ts, source_etag, created_at
FROM interactions
WHERE project_id = %(project_id)s AND id >= %(first)s AND id <= %(last)s
ORDER BY id
LIMIT %(limit)s;

-- name: rows_of_ids
-- The rows of these ids, spelled alike.
SELECT id, contact_id, agent_id::text, organization_id::text, type,
       encode(sha256(convert_to(content, 'UTF8')), 'hex') AS content_sha256, metadata::text,
       to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "timestamp",
       deleted_at IS NOT NULL AS deleted, source_version, source_ts, source_etag, created_at
FROM interactions
WHERE project_id = %(project_id)s AND id = ANY(%(ids)s);

-- name: known_letters
-- Which of these versions of documents have a dead letter, whatever was decided about it.
SELECT DISTINCT payload->>'_etag' AS etag FROM dead_letters
WHERE stage = %(stage)s AND payload->>'_etag' = ANY(%(etags)s);

-- name: position
-- How far the comparison has come.
SELECT position FROM sync_positions WHERE name = %(name)s;

-- name: move_position!
-- The position moves on from where it was read, or another reconciler has moved it.
INSERT INTO sync_positions (name, position) VALUES (%(name)s, %(after)s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, updated_at = now()
WHERE sync_positions.position = %(before)s;

-- name: add_to_run!
-- One more window of a run, project by project.
INSERT INTO reconciliations AS r (project_id, started_at, compared, differing, repaired, waiting, refused)
SELECT project_id, %(started_at)s, compared, differing, repaired, waiting, refused
FROM json_to_recordset(%(tallies)s::json) AS t (
    project_id uuid, compared bigint, differing bigint, repaired bigint, waiting bigint, refused boolean)
ON CONFLICT (project_id, started_at) DO UPDATE
SET compared = r.compared + excluded.compared,
    differing = r.differing + excluded.differing,
    repaired = r.repaired + excluded.repaired,
    waiting = r.waiting + excluded.waiting,
    refused = r.refused OR excluded.refused;

-- name: finish_run!
-- A run that came to its end.
UPDATE reconciliations SET finished_at = %(finished_at)s WHERE started_at = %(started_at)s;

-- name: keep_findings!
-- A difference that was seen before is the same finding, open again.
INSERT INTO reconciliation_findings AS f (project_id, interaction_id, contact_id, kind, first_seen_at, last_seen_at)
SELECT %(project_id)s, interaction_id, contact_id, kind, %(seen_at)s, %(seen_at)s
FROM json_to_recordset(%(findings)s::json) AS d (interaction_id uuid, contact_id uuid, kind text)
ON CONFLICT (project_id, interaction_id, contact_id) DO UPDATE
SET kind = excluded.kind, last_seen_at = excluded.last_seen_at, resolved_at = NULL;

-- name: resolve_findings!
-- These agree again.
UPDATE reconciliation_findings f SET resolved_at = %(resolved_at)s
FROM json_to_recordset(%(findings)s::json) AS d (interaction_id uuid, contact_id uuid)
WHERE f.project_id = %(project_id)s AND f.interaction_id = d.interaction_id AND f.contact_id = d.contact_id
  AND f.resolved_at IS NULL;

-- name: open_findings
-- Open findings of all projects, those first that were looked at longest ago.
SELECT project_id, interaction_id, contact_id FROM reconciliation_findings
WHERE resolved_at IS NULL
ORDER BY last_seen_at, project_id, interaction_id
LIMIT %(limit)s;

-- name: forget_runs!
-- Runs of long ago.
DELETE FROM reconciliations WHERE started_at < %(before)s;

-- name: forget_findings!
-- Findings that were resolved long ago.
DELETE FROM reconciliation_findings WHERE resolved_at < %(before)s;
