-- name: insert_dead_letter!
-- Work that can't succeed as it is; the same failure again only counts up.
INSERT INTO dead_letters (project_id, stage, reason, payload, fingerprint)
VALUES (
    (SELECT id FROM projects WHERE id = %(project_id)s), %(stage)s, %(reason)s, %(payload)s::jsonb, %(fingerprint)s)
ON CONFLICT (fingerprint) DO UPDATE SET seen = dead_letters.seen + 1, updated_at = now();
