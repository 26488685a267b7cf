-- name: get_message
-- A message to analyse, with what the analysis needs of its interaction.
SELECT m.new_text, m.direction, m.sent_at, m.processed_content, i.subject, i.metadata, i.contact_id,
       i.deleted_at,
       EXISTS (SELECT 1 FROM ai_analysis a WHERE a.project_id = m.project_id AND a.message_id = m.id
               AND a.analysis_version = %(analysis_version)s) AS analysed
FROM messages m
JOIN interactions i ON i.project_id = m.project_id AND i.id = m.interaction_id
WHERE m.project_id = %(project_id)s AND m.id = %(message_id)s;

-- name: insert_analysis!
-- The analysis of one message by one version of the analysis.
INSERT INTO ai_analysis (
    project_id, id, message_id, analysis_version, classification, sentiment, entities, engine, model, prompt_version)
VALUES (
    %(project_id)s, %(id)s, %(message_id)s, %(analysis_version)s, %(classification)s::jsonb, %(sentiment)s::jsonb,
    %(entities)s::jsonb, %(engine)s, %(model)s, %(prompt_version)s)
ON CONFLICT (project_id, message_id, analysis_version) DO NOTHING;

-- name: set_processed_content!
-- The whole analysis beside the message, as seed 001 has it.
UPDATE messages SET processed_content = %(processed_content)s::jsonb
WHERE project_id = %(project_id)s AND id = %(message_id)s;

-- name: set_why_not_analysed!
-- Why a message has no analysis; one of another version stays.
UPDATE messages SET processed_content = %(processed_content)s::jsonb
WHERE project_id = %(project_id)s AND id = %(message_id)s
  AND (processed_content IS NULL OR processed_content ? 'status');

-- name: set_findings!
-- What lists and reports show of an analysis.
UPDATE interactions
SET summary = %(summary)s, sentiment_score = %(sentiment_score)s, updated_at = now()
WHERE project_id = %(project_id)s AND id = %(interaction_id)s;

-- name: insert_fact!
-- A fact about the contact; found again, it is the same row.
INSERT INTO context_data (project_id, id, contact_id, interaction_id, context_type, data, origin)
VALUES (%(project_id)s, %(id)s, %(contact_id)s, %(interaction_id)s, %(context_type)s, %(data)s::jsonb, 'analysis')
ON CONFLICT (project_id, id) DO NOTHING;

-- name: get_attachment
-- A file to analyse.
SELECT a.filename, a.content_type, a.size_bytes, a.sha256, a.blob_name, a.analysis IS NOT NULL AS analysed, i.deleted_at
FROM attachments a
JOIN messages m ON m.project_id = a.project_id AND m.id = a.message_id
JOIN interactions i ON i.project_id = m.project_id AND i.id = m.interaction_id
WHERE a.project_id = %(project_id)s AND a.id = %(attachment_id)s;

-- name: get_analysis_of_content
-- What an analysis of this version found in the same bytes, whichever message brought them.
SELECT analysis FROM attachments
WHERE project_id = %(project_id)s AND sha256 = %(sha256)s
  AND analysis ->> 'status' = 'analysed' AND analysis ->> 'version' = %(version)s
LIMIT 1;

-- name: set_attachment_analysis!
-- What is known of a file, or why it was not analysed.
UPDATE attachments SET analysis = %(analysis)s::jsonb
WHERE project_id = %(project_id)s AND id = %(attachment_id)s;
