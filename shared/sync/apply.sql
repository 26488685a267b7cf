-- name: known_projects
-- Which of these ids name a project.
SELECT id FROM projects WHERE id = ANY(%(ids)s::uuid[]);

-- name: plan_by_index
-- A plan is kept for the life of a connection, and the first may be made while the tables are empty: look rows up in
-- their indexes from the start. The order of locks needs it too: only a nested loop keeps the order of the documents.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true);

-- name: apply_documents
-- The newest version of each document wins, newer by both clocks. What is old by both, or stored already, is not even
-- locked, so that a batch that comes again writes nothing at all. What they can't tell apart, and what is another
-- contact's, stays as it is, but its row is locked: an update that changes nothing is the lock that MERGE has.
-- Rows come in the order in which they are locked. One that someone else inserts meanwhile is a unique violation: the
-- batch begins again and finds it.
-- A contact that is not known yet becomes a placeholder in time for the foreign key, which is checked at the end. One
-- that is known is not touched yet: deliveries write contacts too.
-- `undecided` are the ids that were not written or are contested, `taken` those that are another contact's interactions,
-- `behind` the contacts whose last interaction may be a new one, with its time.
WITH written AS (
    MERGE INTO interactions AS i
    USING (
        SELECT d.*, greatest(d.version, d.ts * 1000000) AS source_version
        FROM json_to_recordset(%(documents)s::json) AS d (
            id uuid, contact_id uuid, agent_id uuid, organization_id uuid, type text, content text,
            "timestamp" timestamptz, metadata jsonb, deleted boolean, version bigint, ts bigint, etag text,
            contested boolean)) AS n
    ON i.project_id = %(project_id)s AND i.id = n.id
    WHEN NOT MATCHED THEN
        INSERT (
            project_id, id, contact_id, agent_id, organization_id, type, content, "timestamp", metadata,
            source_version, source_ts, source_etag, deleted_at)
        VALUES (
            %(project_id)s, n.id, n.contact_id, n.agent_id, n.organization_id, n.type, n.content, n."timestamp",
            n.metadata, n.source_version, n.ts, n.etag, CASE WHEN n.deleted THEN now() END)
    WHEN MATCHED AND i.contact_id = n.contact_id AND n.contested IS NOT TRUE
        AND (i.source_etag = n.etag OR n.source_version <= i.source_version AND n.ts < i.source_ts) THEN
        DO NOTHING
    WHEN MATCHED AND i.contact_id = n.contact_id AND i.source_version <= n.source_version AND i.source_ts < n.ts THEN
        UPDATE SET agent_id = n.agent_id,
            organization_id = n.organization_id,
            type = n.type,
            content = n.content,
            "timestamp" = n."timestamp",
            metadata = n.metadata,
            source_version = n.source_version,
            source_ts = n.ts,
            source_etag = n.etag,
            deleted_at = CASE WHEN n.deleted THEN now() END,
            updated_at = now()
    WHEN MATCHED THEN
        UPDATE SET source_etag = i.source_etag
    -- `done`: written, which always moves the second; the lock alone does not.
    -- `moves`: it may be the last interaction of its contact, as it was not there, was deleted or had another time.
    RETURNING i.id, i.contact_id, i.contact_id <> n.contact_id AS taken, n.contested IS TRUE AS contested,
        old.source_ts IS DISTINCT FROM new.source_ts AS done,
        old."timestamp" IS DISTINCT FROM new."timestamp" OR old.deleted_at IS NOT NULL AS moves,
        CASE WHEN new.deleted_at IS NULL AND n.contested IS NOT TRUE THEN new."timestamp" END AS at
), last AS (
    SELECT w.contact_id, max(w.at) AS at FROM written w WHERE w.moves GROUP BY w.contact_id
), placeholders AS (
    INSERT INTO contacts (project_id, id, origin, last_interaction_at)
    SELECT %(project_id)s, l.contact_id, 'sync', l.at FROM last l
    WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.project_id = %(project_id)s AND c.id = l.contact_id)
    ORDER BY l.contact_id
    ON CONFLICT (project_id, id) DO NOTHING
    RETURNING id
)
SELECT count(*) FILTER (WHERE w.done) AS written,
       (json_agg(w.id) FILTER (WHERE NOT w.taken AND (w.contested OR NOT w.done)))::text AS undecided,
       (json_agg(w.id) FILTER (WHERE w.taken))::text AS taken,
       (SELECT string_agg(row_to_json(l)::text, ',') FROM last l
        WHERE l.at IS NOT NULL AND l.contact_id NOT IN (SELECT p.id FROM placeholders p)) AS behind
FROM written w;

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
    SELECT c.id, b.at
    FROM (
        SELECT d.contact_id, max(d.at) AS at
        FROM json_to_recordset(%(contacts)s::json) AS d (contact_id uuid, at timestamptz)
        GROUP BY d.contact_id) AS b
    JOIN contacts c ON c.project_id = %(project_id)s AND c.id = b.contact_id
    WHERE c.last_interaction_at IS NULL OR c.last_interaction_at < b.at
    ORDER BY c.id FOR NO KEY UPDATE OF c
)
UPDATE contacts c SET last_interaction_at = b.at, updated_at = now()
FROM behind b
WHERE c.project_id = %(project_id)s AND c.id = b.id;
