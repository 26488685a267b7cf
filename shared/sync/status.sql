-- name: count_open_letters
-- Open dead letters of every project and of none, by the step that left them.
SELECT stage, count(*) AS letters FROM dead_letters WHERE state = 'open' GROUP BY stage ORDER BY stage;

-- name: newest_reconciliation
-- The newest comparison of both stores, all projects together; it is finished when it is for each.
SELECT started_at, CASE WHEN bool_and(finished_at IS NOT NULL) THEN max(finished_at) END AS finished_at,
       count(*) AS projects, sum(compared)::bigint AS compared, sum(differing)::bigint AS differing,
       sum(repaired)::bigint AS repaired, sum(waiting)::bigint AS waiting, count(*) FILTER (WHERE refused) AS refused
FROM reconciliations
WHERE started_at = (SELECT max(started_at) FROM reconciliations)
GROUP BY started_at;

-- name: count_open_findings
-- Differences between both stores that are not resolved, by their kind.
SELECT kind, count(*) AS findings FROM reconciliation_findings WHERE resolved_at IS NULL GROUP BY kind ORDER BY kind;

-- name: list_open_findings
-- The differences that are not resolved, those first that are known for longest.
SELECT project_id, interaction_id, contact_id, kind, first_seen_at, last_seen_at FROM reconciliation_findings
WHERE resolved_at IS NULL
ORDER BY first_seen_at, project_id, interaction_id
LIMIT %(limit)s;

-- name: refused_and_open
-- Whether a comparison refused to repair a project, whose differences of then are not resolved yet.
SELECT EXISTS (
    SELECT FROM reconciliations r JOIN reconciliation_findings f USING (project_id)
    WHERE r.refused AND f.resolved_at IS NULL AND f.first_seen_at <= r.started_at) AS found;
