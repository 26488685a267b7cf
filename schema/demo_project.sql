-- name: insert_project!
-- A project; one that is there stays as it is.
INSERT INTO projects (id, name, system_user_id) VALUES (%(id)s, %(name)s, %(system_user_id)s)
ON CONFLICT (id) DO NOTHING;

-- name: insert_user!
-- Someone who works here.
INSERT INTO users (project_id, id, email, full_name, role)
VALUES (%(project_id)s, %(id)s, %(email)s, %(full_name)s, %(role)s)
ON CONFLICT (project_id, id) DO NOTHING;

-- name: sealed_secrets
-- The secrets of a source as they are stored.
SELECT secrets FROM sources WHERE project_id = %(project_id)s AND id = %(id)s;
