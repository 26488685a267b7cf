-- name: insert_ai_interaction!
-- One call to a model, whatever came of it.
INSERT INTO ai_interactions (
    project_id, "timestamp", request, response, latency_ms, error_code, error_message, model_name,
    file_metadata, status, prompt_hash, purpose, interaction_id, message_id)
VALUES (
    %(project_id)s, %(timestamp)s, %(request)s::jsonb, %(response)s::jsonb, %(latency_ms)s, %(error_code)s,
    %(error_message)s, %(model_name)s, %(file_metadata)s::jsonb, %(status)s, %(prompt_hash)s, %(purpose)s,
    %(interaction_id)s, %(message_id)s);
