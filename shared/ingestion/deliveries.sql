-- name: upsert_delivery!
-- A delivery being worked on; the sweep leaves it alone until `next_look_at`. One that came to an end stays there.
INSERT INTO deliveries (project_id, id, source_id, blob_name, state, received_at, next_look_at)
VALUES (%(project_id)s, %(id)s, %(source_id)s, %(blob_name)s, 'received', %(received_at)s, %(next_look_at)s)
ON CONFLICT (project_id, id) DO UPDATE
SET next_look_at = excluded.next_look_at, updated_at = now()
WHERE deliveries.state = 'received';

-- name: insert_delivery_message!
-- One message of a delivery is stored. Done stays done.
INSERT INTO delivery_messages (project_id, delivery_id, position, interaction_id, state)
VALUES (%(project_id)s, %(delivery_id)s, %(position)s, %(interaction_id)s, 'stored')
ON CONFLICT (project_id, delivery_id, position) DO UPDATE
SET updated_at = now(), state = 'stored', reason = NULL
WHERE delivery_messages.state <> 'done';

-- name: finish_delivery_message!
-- One message of a delivery is in both stores and on its way to analysis.
UPDATE delivery_messages SET state = 'done', updated_at = now()
WHERE project_id = %(project_id)s AND delivery_id = %(delivery_id)s AND position = %(position)s;

-- name: delivery_progress
-- Where a delivery stands, and which of its messages need no more work.
SELECT d.state, array(
    SELECT m.position FROM delivery_messages m
    WHERE m.project_id = d.project_id AND m.delivery_id = d.id AND m.state = 'done') AS done
FROM deliveries d
WHERE d.project_id = %(project_id)s AND d.id = %(id)s;

-- name: end_delivery_messages!
-- What a dead delivery had stored and not brought to its end is dead with it.
UPDATE delivery_messages SET state = 'dead', reason = %(reason)s, updated_at = now()
WHERE project_id = %(project_id)s AND delivery_id = %(id)s AND state = 'stored';

-- name: end_delivery!
-- A delivery comes to an end: `done`, `quarantined` or `dead`. What is done never becomes less; what is of no
-- project we know has no delivery.
INSERT INTO deliveries (project_id, id, source_id, blob_name, state, reason, received_at, next_look_at)
SELECT p.id, %(id)s, %(source_id)s, %(blob_name)s, %(state)s, %(reason)s, %(received_at)s, now()
FROM projects p WHERE p.id = %(project_id)s
ON CONFLICT (project_id, id) DO UPDATE
SET state = excluded.state, reason = excluded.reason, received_at = excluded.received_at, updated_at = now()
WHERE deliveries.state <> 'done';

-- name: settled_deliveries
-- Of these deliveries, those that the sweep has nothing to do for: at an end, being worked on, or of no project.
SELECT d.id, d.state IN ('done', 'quarantined', 'dead') AS final
FROM unnest(%(ids)s::uuid[], %(projects)s::uuid[]) AS wanted (id, project_id)
JOIN deliveries d ON d.project_id = wanted.project_id AND d.id = wanted.id
WHERE d.state IN ('done', 'quarantined', 'dead') OR d.next_look_at > %(now)s
UNION ALL
SELECT wanted.id, true
FROM unnest(%(ids)s::uuid[], %(projects)s::uuid[]) AS wanted (id, project_id)
WHERE NOT EXISTS (SELECT FROM projects p WHERE p.id = wanted.project_id);

-- name: get_delivery
-- How far a delivery came.
SELECT id, source_id, state, reason, received_at FROM deliveries
WHERE project_id = %(project_id)s AND id = %(id)s;

-- name: list_delivery_messages
-- How far each message of a delivery came.
SELECT position, interaction_id, state, reason FROM delivery_messages
WHERE project_id = %(project_id)s AND delivery_id = %(id)s
ORDER BY position;

-- name: get_position
-- How far a reader that crosses tenants has come.
SELECT position FROM sync_positions WHERE name = %(name)s;

-- name: put_position!
-- A reader that crosses tenants has come this far.
INSERT INTO sync_positions (name, position) VALUES (%(name)s, %(position)s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, updated_at = now();
