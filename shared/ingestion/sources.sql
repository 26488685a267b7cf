-- name: insert_source!
-- A new source, not published yet.
INSERT INTO sources (project_id, id, name, channel, provider, default_agent_id, secrets)
VALUES (%(project_id)s, %(id)s, %(name)s, %(channel)s, %(provider)s, %(default_agent_id)s, %(secrets)s)
ON CONFLICT (project_id, id) DO NOTHING;

-- name: lock_secrets
-- A source's sealed secrets, held until they are changed.
SELECT secrets FROM sources WHERE project_id = %(project_id)s AND id = %(id)s FOR UPDATE;

-- name: change_secrets!
-- Other secrets, to be published.
UPDATE sources SET secrets = %(secrets)s, version = version + 1, updated_at = now()
WHERE project_id = %(project_id)s AND id = %(id)s;

-- name: list_projects
-- Every project, as the sweeper sees them.
SELECT id FROM projects ORDER BY id;

-- name: lock_unpublished_source
-- One source whose newest version ingest can't see yet, held until it can: publishers take turns, so that a slow one
-- never writes an older version, with a secret that was revoked, over a newer one.
SELECT project_id, id, channel, provider, default_agent_id, enabled, version, secrets
FROM sources
WHERE published_version < version
ORDER BY id
LIMIT 1
FOR UPDATE;

-- name: mark_published!
-- Ingest can see this version.
UPDATE sources SET published_version = %(version)s
WHERE project_id = %(project_id)s AND id = %(id)s;
