-- name: ids_of_deliveries
-- Every delivery that came to its good end, after its source.
SELECT source_id || '/' || id FROM deliveries WHERE project_id = %(project_id)s AND state = 'done'

-- name: ids_of_files
-- Every attached file once, however often it was sent.
SELECT DISTINCT blob_name FROM attachments WHERE project_id = %(project_id)s

-- name: ids_of_interactions
-- Every interaction with the etag last applied: a row that missed a change is not the same as its document.
SELECT id || ' ' || coalesce(source_etag, 'unconfirmed') FROM interactions WHERE project_id = %(project_id)s AND deleted_at IS NULL

-- name: ids_of_analysed
-- Every interaction whose message has an analysis.
SELECT DISTINCT messages.interaction_id::text
FROM ai_analysis
JOIN messages ON messages.project_id = ai_analysis.project_id AND messages.id = ai_analysis.message_id
WHERE ai_analysis.project_id = %(project_id)s
