-- name: known_projects
-- Which of these ids name a project.
SELECT id FROM projects WHERE id = ANY(%(ids)s);

-- name: place_contacts!
-- A contact that is not known yet becomes a placeholder, unless its document's id is already another's interaction.
-- Before the interactions and in order of ids, so that two appliers of overlapping batches never wait for each other.
INSERT INTO contacts (project_id, id, origin)
SELECT DISTINCT %(project_id)s::uuid, d.contact_id, 'sync'
FROM json_to_recordset(%(documents)s::json) AS d (id uuid, contact_id uuid)
WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.project_id = %(project_id)s AND c.id = d.contact_id)
  AND NOT EXISTS (SELECT FROM interactions i WHERE i.project_id = %(project_id)s AND i.id = d.id)
ORDER BY d.contact_id
ON CONFLICT (project_id, id) DO NOTHING;

-- name: apply_documents!
-- The newest version of each document wins, newer by both clocks. What they can't tell apart changes nothing yet, but
-- its row stays locked: the write refuses it by its WHERE, after the lock. What is old by both is not even locked.
-- The contact of an interaction never changes.
WITH incoming AS (
    SELECT * FROM json_to_recordset(%(documents)s::json) AS d (
        id uuid, contact_id uuid, agent_id uuid, organization_id uuid, type text, content text,
        "timestamp" timestamptz, metadata jsonb, deleted boolean,
        source_version bigint, source_ts bigint, source_etag text, contested boolean)
), not_old AS (
    SELECT d.* FROM incoming d
    LEFT JOIN interactions i ON i.project_id = %(project_id)s AND i.id = d.id
    WHERE i.id IS NULL
       OR (i.contact_id = d.contact_id
           AND (d.contested
                OR (i.source_etag IS DISTINCT FROM d.source_etag
                    AND NOT (d.source_version <= i.source_version AND d.source_ts < i.source_ts))))
)
INSERT INTO interactions (
    project_id, id, contact_id, agent_id, organization_id, type, content, "timestamp", metadata,
    source_version, source_ts, source_etag, deleted_at)
SELECT %(project_id)s, n.id, n.contact_id, n.agent_id, n.organization_id, n.type, n.content, n."timestamp", n.metadata,
       n.source_version, n.source_ts, n.source_etag, CASE WHEN n.deleted THEN now() END
FROM not_old n
ORDER BY n.id
ON CONFLICT (project_id, id) DO UPDATE
SET agent_id = excluded.agent_id,
    organization_id = excluded.organization_id,
    type = excluded.type,
    content = excluded.content,
    "timestamp" = excluded."timestamp",
    metadata = excluded.metadata,
    source_version = excluded.source_version,
    source_ts = excluded.source_ts,
    source_etag = excluded.source_etag,
    deleted_at = excluded.deleted_at,
    updated_at = now()
WHERE interactions.source_version <= excluded.source_version AND interactions.source_ts < excluded.source_ts
  AND interactions.contact_id = excluded.contact_id;

-- name: undecided
-- Documents whose place the two clocks can't tell: not the version that is stored, and not older by both.
-- And documents whose id is already another contact's interaction.
SELECT i.id, i.contact_id <> d.contact_id AS foreign_contact
FROM json_to_recordset(%(documents)s::json) AS d (
    id uuid, contact_id uuid, source_version bigint, source_ts bigint, source_etag text, contested boolean)
JOIN interactions i ON i.project_id = %(project_id)s AND i.id = d.id
WHERE i.contact_id <> d.contact_id
   OR d.contested
   OR (i.source_etag IS DISTINCT FROM d.source_etag
       AND NOT (d.source_version <= i.source_version AND d.source_ts < i.source_ts))
ORDER BY i.id;

-- name: settle_documents!
-- What Cosmos DB holds now, whatever its order; the order itself only moves forward. A row that names this very version
-- and holds other values is mended too; one that agrees is not written.
UPDATE interactions
SET agent_id = d.agent_id,
    organization_id = d.organization_id,
    type = d.type,
    content = d.content,
    "timestamp" = d."timestamp",
    metadata = d.metadata,
    source_version = greatest(interactions.source_version, d.source_version),
    source_ts = greatest(interactions.source_ts, d.source_ts),
    source_etag = d.source_etag,
    deleted_at = CASE WHEN d.deleted THEN coalesce(interactions.deleted_at, now()) END,
    updated_at = now()
FROM json_to_recordset(%(documents)s::json) AS d (
    id uuid, agent_id uuid, organization_id uuid, type text, content text, "timestamp" timestamptz, metadata jsonb,
    deleted boolean, source_version bigint, source_ts bigint, source_etag text)
WHERE interactions.project_id = %(project_id)s AND interactions.id = d.id
  AND (interactions.source_etag, interactions.agent_id, interactions.organization_id, interactions.type,
       interactions.content, interactions."timestamp", interactions.metadata, interactions.deleted_at IS NOT NULL)
      IS DISTINCT FROM
      (d.source_etag, d.agent_id, d.organization_id, d.type, d.content, d."timestamp", d.metadata, d.deleted);

-- name: touch_contacts!
-- The last interaction of a contact only moves forward. Last of all and in order of ids: an order of locks again.
WITH latest AS (
    SELECT touched.contact_id, newest.at
    FROM (SELECT DISTINCT unnest(%(contacts)s::uuid[]) AS contact_id) AS touched
    CROSS JOIN LATERAL (
        SELECT i."timestamp" AS at FROM interactions i
        WHERE i.project_id = %(project_id)s AND i.contact_id = touched.contact_id AND i.deleted_at IS NULL
        ORDER BY i."timestamp" DESC, i.id DESC LIMIT 1) AS newest
), behind AS (
    SELECT c.id, l.at FROM contacts c JOIN latest l ON l.contact_id = c.id
    WHERE c.project_id = %(project_id)s AND (c.last_interaction_at IS NULL OR c.last_interaction_at < l.at)
    ORDER BY c.id FOR NO KEY UPDATE OF c
)
UPDATE contacts c SET last_interaction_at = b.at, updated_at = now()
FROM behind b
WHERE c.project_id = %(project_id)s AND c.id = b.id;
