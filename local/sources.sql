-- name: list_sources
-- The tenant's sources.
SELECT id, name, channel, provider, enabled FROM sources WHERE project_id = %(project_id)s ORDER BY name;
