-- name: make_projects
-- Projects of nobody.
INSERT INTO projects (id, name, system_user_id)
SELECT gen_random_uuid(), 'bench ' || n, gen_random_uuid() FROM generate_series(1, %(projects)s::int) AS n
RETURNING id;

-- name: read_rows
-- The shared columns of a range of ids, as they are.
SELECT id, contact_id, agent_id, organization_id, type, content, "timestamp", metadata, deleted_at, source_etag
FROM interactions
WHERE project_id = %(project_id)s AND id >= %(first)s AND id <= %(last)s
ORDER BY id;
