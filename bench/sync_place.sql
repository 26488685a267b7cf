-- name: create_limits!
-- `same`: the table with its keys, indexes, foreign keys and room on its pages, without row-level security.
-- `bare`: its columns and nothing else.
CREATE TABLE same (LIKE interactions INCLUDING ALL) WITH (fillfactor = 80);
ALTER TABLE same ADD FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id),
    ADD FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id);
CREATE UNLOGGED TABLE bare (LIKE interactions INCLUDING DEFAULTS);

-- name: empty!
-- Everything that a measurement left.
TRUNCATE interactions, contacts, projects, same, bare CASCADE;

-- name: fill_projects!
-- The tenants.
INSERT INTO projects (id, name, system_user_id)
SELECT md5('p' || n)::uuid, 'project ' || n, md5('u' || n)::uuid FROM generate_series(0, %(projects)s - 1) n;

-- name: fill_contacts!
-- The contacts of the rows, as old as they are.
INSERT INTO contacts (project_id, id, origin, last_interaction_at)
SELECT md5('p' || n %% %(projects)s)::uuid, md5('c' || n)::uuid, 'sync', to_timestamp(%(epoch)s) + interval '1 s'
FROM generate_series(0, %(contacts)s - 1) n;

-- name: fill_interactions!
-- The rows, as sync leaves them.
INSERT INTO interactions (
    project_id, id, agent_id, contact_id, organization_id, type, content, "timestamp", metadata,
    source_version, source_ts, source_etag)
SELECT md5('p' || n %% %(contacts)s %% %(projects)s)::uuid, md5('i' || n)::uuid, md5('a' || n %% 50)::uuid,
       md5('c' || n %% %(contacts)s)::uuid, md5('o' || n %% %(contacts)s %% 1000)::uuid, 'email',
       (%(texts)s::text[])[1 + n %% %(number_of_texts)s],
       to_timestamp(%(epoch)s) + (n %% 1000000) * interval '1 us',
       jsonb_build_object(
           'source', 'crm', 'sourceMessageId', '<' || lpad(to_hex(n), 32, '0') || '@mail.example.com>',
           'confidence', (n %% 100) / 100.0, 'participants', '["ada@example.com", "grace@example.org"]'::jsonb,
           'flags', jsonb_build_object('automated', false, 'internal', n %% 7 = 0)),
       %(epoch)s::bigint * 1000000, %(epoch)s, '"' || lpad(to_hex(n), 8, '0') || '-0"'
FROM generate_series(0, %(rows)s - 1) n;

-- name: fill_same!
-- The same rows in the table to copy into.
INSERT INTO same SELECT * FROM interactions;

-- name: add_contact!
-- A contact for rows that are copied.
INSERT INTO contacts (project_id, id, origin) VALUES (%(project)s, %(id)s, 'sync') ON CONFLICT DO NOTHING;

-- name: by_index!
-- Read tables in the order that is asked for from here on, by the index that has it.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);

-- name: touch!
-- Every page of tables and indexes, by the connection that is measured: one that has worked for a while has met most of
-- them, and a new one pays the kernel for each at first sight.
SELECT (SELECT count(source_ts) FROM (SELECT source_ts FROM interactions ORDER BY project_id, id) AS by_key),
       (SELECT count(*) FROM (
            SELECT FROM interactions WHERE deleted_at IS NULL
            ORDER BY project_id, contact_id, "timestamp" DESC, id DESC) AS of_contact),
       (SELECT count(*) FROM (SELECT FROM interactions ORDER BY project_id, conversation_id) AS of_conversation),
       (SELECT count(origin) FROM (SELECT origin FROM contacts ORDER BY project_id, id) AS by_key),
       (SELECT count(origin) FROM (
            SELECT origin FROM contacts
            ORDER BY project_id, coalesce(last_interaction_at, created_at) DESC, id DESC) AS by_last);

-- name: touch_same!
-- The same for the one that copies.
SELECT (SELECT count(source_ts) FROM (SELECT source_ts FROM same ORDER BY project_id, id) AS by_key),
       (SELECT count(*) FROM (
            SELECT FROM same WHERE deleted_at IS NULL
            ORDER BY project_id, contact_id, "timestamp" DESC, id DESC) AS of_contact),
       (SELECT count(*) FROM (SELECT FROM same ORDER BY project_id, conversation_id) AS of_conversation),
       (SELECT count(origin) FROM (SELECT origin FROM contacts ORDER BY project_id, id) AS by_key);
