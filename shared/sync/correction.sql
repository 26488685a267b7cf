-- name: living_interaction
-- The shared fields of an interaction as Postgres has them, and which document they are of.
SELECT project_id, id, contact_id, agent_id, organization_id, type, content, "timestamp", metadata, source_version,
       source_ts, source_etag
FROM interactions
WHERE project_id = %(project_id)s AND id = %(id)s AND deleted_at IS NULL;
