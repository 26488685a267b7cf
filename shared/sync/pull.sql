-- name: list_positions
-- How far every reader that crosses tenants has come.
SELECT name, position, updated_at FROM sync_positions ORDER BY name;

-- name: begin_position!
-- The first position of a reader; whoever else began meanwhile keeps theirs.
INSERT INTO sync_positions (name, position) VALUES (%(name)s, %(position)s) ON CONFLICT (name) DO NOTHING;

-- name: move_position!
-- A position moves from where its owner read it, or not at all.
UPDATE sync_positions SET position = %(position)s, updated_at = now()
WHERE name = %(name)s AND position = %(expected)s;

-- name: put_position!
-- What a reader says without having to own the position.
INSERT INTO sync_positions (name, position) VALUES (%(name)s, %(position)s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, updated_at = now();
