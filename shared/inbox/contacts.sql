-- name: find_contacts
-- Who owns these identities, in the order given.
SELECT i.type, i.value, coalesce(c.merged_into, c.id) AS contact_id
FROM unnest(%(types)s::text[], %(values)s::text[]) WITH ORDINALITY AS wanted (type, value, place)
JOIN contact_identities i ON i.project_id = %(project_id)s AND i.type = wanted.type AND i.value = wanted.value
JOIN contacts c ON c.project_id = i.project_id AND c.id = i.contact_id
ORDER BY wanted.place;

-- name: lock_identities
-- One writer at a time for each address, in one order, so that parallel first messages make one contact.
SELECT pg_advisory_xact_lock(hashtextextended(%(project_id)s::text || key, 0))
FROM (SELECT unnest(%(keys)s::text[]) AS key ORDER BY 1) AS sorted;

-- name: lock_contact
-- One writer at a time for a contact's addresses: there is one primary address a type.
SELECT id FROM contacts WHERE project_id = %(project_id)s AND id = %(id)s FOR NO KEY UPDATE;

-- name: insert_contact!
-- A contact that was not known before.
INSERT INTO contacts (project_id, id, display_name, origin)
VALUES (%(project_id)s, %(id)s, %(display_name)s, 'message');

-- name: insert_identities!
-- Addresses of a contact; one that is someone else's stays theirs. The first of a type is the primary one.
INSERT INTO contact_identities (project_id, contact_id, type, value, is_primary)
SELECT %(project_id)s, %(contact_id)s, wanted.type, wanted.value,
       NOT EXISTS (SELECT 1 FROM contact_identities p WHERE p.project_id = %(project_id)s
                   AND p.contact_id = %(contact_id)s AND p.type = wanted.type AND p.is_primary)
FROM unnest(%(types)s::text[], %(values)s::text[]) AS wanted (type, value)
ON CONFLICT (project_id, type, value) DO NOTHING;

-- name: touch_contact!
-- The last interaction only moves forward; a name is filled in, never overwritten.
UPDATE contacts
SET last_interaction_at = greatest(last_interaction_at, %(at)s),
    display_name = coalesce(display_name, %(display_name)s),
    updated_at = now()
WHERE project_id = %(project_id)s AND id = %(id)s
  AND (last_interaction_at IS NULL OR last_interaction_at < %(at)s OR (display_name IS NULL AND %(display_name)s::text IS NOT NULL));
