-- name: insert_source!
-- A new source, not published yet.
INSERT INTO sources (project_id, id, name, channel, provider, default_agent_id, secrets)
VALUES (%(project_id)s, %(id)s, %(name)s, %(channel)s, %(provider)s, %(default_agent_id)s, %(secrets)s)
ON CONFLICT (project_id, id) DO NOTHING;

-- name: list_projects
-- Every project, as the sweeper sees them.
SELECT id FROM projects ORDER BY id;

-- name: unpublished_sources
-- Sources of the tenant whose newest version ingest can't see yet.
SELECT project_id, id, channel, provider, default_agent_id, enabled, version, secrets
FROM sources
WHERE published_version < version
ORDER BY id;

-- name: mark_published!
-- The guard keeps a slow publisher from hiding a newer version.
UPDATE sources SET published_version = %(version)s
WHERE project_id = %(project_id)s AND id = %(id)s AND published_version < %(version)s;
