-- name: known_projects
-- Which of these ids name a project.
SELECT id FROM projects WHERE id = ANY(%(ids)s::uuid[]);

-- name: plan_by_index
-- A plan is kept for the life of a connection, and the first may be made while the tables are empty: look rows up in
-- their indexes from the start.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true);

-- name: apply_documents
-- The newest version of each document wins, newer by both clocks. What they can't tell apart changes nothing yet, but
-- its row stays locked: the write refuses it by its WHERE, after the lock. What is old by both is not even locked, so
-- that a batch that comes again writes nothing at all. The contact of an interaction never changes.
-- A contact that is not known yet becomes a placeholder, before any interaction: locks are taken in one order.
-- A row that is there has a contact that is there, whose last interaction moves only if this one's time does.
-- `open` are the ids that were not written and may need a look, `behind` the contacts whose last interaction may be new.
WITH incoming AS MATERIALIZED (
    SELECT d.*,
           greatest(d.version, d.ts * 1000000) AS source_version,
           CASE
               WHEN i.id IS NULL THEN 'new'
               WHEN i.contact_id <> d.contact_id THEN 'foreign'
               WHEN d.contested THEN 'open'
               WHEN i.source_etag = d.etag THEN 'old'
               WHEN greatest(d.version, d.ts * 1000000) <= i.source_version AND d.ts < i.source_ts THEN 'old'
               ELSE 'open'
           END AS place,
           i.id IS NULL OR i."timestamp" <> d."timestamp" OR i.deleted_at IS NOT NULL AS moves
    FROM json_to_recordset(%(documents)s::json) AS d (
        id uuid, contact_id uuid, agent_id uuid, organization_id uuid, type text, content text,
        "timestamp" timestamptz, metadata jsonb, deleted boolean, version bigint, ts bigint, etag text,
        contested boolean)
    LEFT JOIN interactions i ON i.project_id = %(project_id)s AND i.id = d.id
), people AS MATERIALIZED (
    SELECT n.contact_id, c.id IS NOT NULL AS known, c.last_interaction_at, n.at
    FROM (
        SELECT contact_id, max("timestamp") FILTER (WHERE NOT deleted AND contested IS NOT TRUE) AS at
        FROM incoming WHERE place IN ('new', 'open') AND moves GROUP BY contact_id) AS n
    LEFT JOIN contacts c ON c.project_id = %(project_id)s AND c.id = n.contact_id
), placeholders AS (
    INSERT INTO contacts (project_id, id, origin, last_interaction_at)
    SELECT %(project_id)s, p.contact_id, 'sync', p.at FROM people p
    WHERE NOT p.known
    ORDER BY p.contact_id
    ON CONFLICT (project_id, id) DO NOTHING
    RETURNING 1
), written AS (
    INSERT INTO interactions (
        project_id, id, contact_id, agent_id, organization_id, type, content, "timestamp", metadata,
        source_version, source_ts, source_etag, deleted_at)
    SELECT %(project_id)s, n.id, n.contact_id, n.agent_id, n.organization_id, n.type, n.content, n."timestamp",
           n.metadata, n.source_version, n.ts, n.etag, CASE WHEN n.deleted THEN now() END
    FROM incoming n
    WHERE n.place IN ('new', 'open') AND (SELECT count(*) FROM placeholders) >= 0
    ORDER BY n.contact_id, n.id
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
      AND interactions.contact_id = excluded.contact_id
    RETURNING id
)
SELECT (SELECT count(*) FROM written) AS written,
       (SELECT json_agg(n.id) FROM incoming n
        WHERE n.place <> 'old' AND (n.contested OR n.id NOT IN (SELECT w.id FROM written w)))::text AS open,
       (SELECT string_agg(p.contact_id::text, ',') FROM people p
        WHERE p.known AND (p.last_interaction_at IS NULL OR p.last_interaction_at < p.at)) AS behind;

-- name: undecided
-- Which of these documents have no place yet by the two clocks: not the version that is stored, and not older by both.
-- And those whose id is already another contact's interaction.
SELECT i.id, i.contact_id <> d.contact_id AS foreign_contact
FROM json_to_recordset(%(documents)s::json) AS d (
    id uuid, contact_id uuid, version bigint, ts bigint, etag text, contested boolean)
JOIN interactions i ON i.project_id = %(project_id)s AND i.id = d.id
WHERE i.contact_id <> d.contact_id
   OR d.contested
   OR (i.source_etag IS DISTINCT FROM d.etag
       AND NOT (greatest(d.version, d.ts * 1000000) <= i.source_version AND d.ts < i.source_ts))
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
    source_version = greatest(interactions.source_version, d.version, d.ts * 1000000),
    source_ts = greatest(interactions.source_ts, d.ts),
    source_etag = d.etag,
    deleted_at = CASE WHEN d.deleted THEN coalesce(interactions.deleted_at, now()) END,
    updated_at = now()
FROM json_to_recordset(%(documents)s::json) AS d (
    id uuid, agent_id uuid, organization_id uuid, type text, content text, "timestamp" timestamptz, metadata jsonb,
    deleted boolean, version bigint, ts bigint, etag text)
WHERE interactions.project_id = %(project_id)s AND interactions.id = d.id
  AND (interactions.source_etag, interactions.agent_id, interactions.organization_id, interactions.type,
       interactions.content, interactions."timestamp", interactions.metadata, interactions.deleted_at IS NOT NULL)
      IS DISTINCT FROM
      (d.etag, d.agent_id, d.organization_id, d.type, d.content, d."timestamp", d.metadata, d.deleted);

-- name: touch_contacts!
-- The last interaction of a contact only moves forward. Last of all and in order of ids: an order of locks again.
WITH behind AS (
    SELECT c.id, newest.at
    FROM (SELECT DISTINCT unnest(%(contacts)s::uuid[]) AS id) AS d
    JOIN contacts c ON c.project_id = %(project_id)s AND c.id = d.id
    CROSS JOIN LATERAL (
        SELECT i."timestamp" AS at FROM interactions i
        WHERE i.project_id = %(project_id)s AND i.contact_id = c.id AND i.deleted_at IS NULL
        ORDER BY i."timestamp" DESC, i.id DESC LIMIT 1) AS newest
    WHERE c.last_interaction_at IS NULL OR c.last_interaction_at < newest.at
    ORDER BY c.id FOR NO KEY UPDATE OF c
)
UPDATE contacts c SET last_interaction_at = b.at, updated_at = now()
FROM behind b
WHERE c.project_id = %(project_id)s AND c.id = b.id;
