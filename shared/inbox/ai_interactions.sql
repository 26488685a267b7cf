-- name: list_ai_interactions
-- Model calls, newest first, one page. Without their bodies: those may be large. Of a deleted interaction none.
SELECT id, "timestamp", status, purpose, provider, model_name, deployment, answered_model, latency_ms, error_code,
       error_message, user_id, host(ip_address) AS ip_address, interaction_id, message_id, prompt_hash, file_metadata,
       coalesce(repair, 0) AS repair, input_tokens, cached_tokens, cache_write_tokens, image_tokens, output_tokens,
       reasoning_tokens, total_tokens, cost, currency, coalesce(body, 'full') AS body
FROM ai_interactions a
WHERE project_id = %(project_id)s
  AND NOT EXISTS (SELECT 1 FROM interactions i WHERE i.project_id = a.project_id AND i.id = a.interaction_id
                  AND i.deleted_at IS NOT NULL)
  AND (%(user_id)s::uuid IS NULL OR user_id = %(user_id)s)
  AND (%(message_id)s::uuid IS NULL OR message_id = %(message_id)s)
  AND (%(since)s::timestamptz IS NULL OR "timestamp" >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR "timestamp" < %(until)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)
  AND (%(model)s::text IS NULL OR %(model)s::text IN (model_name, answered_model))
  AND ("timestamp", id) < (%(before)s, %(before_id)s)
ORDER BY "timestamp" DESC, id DESC
LIMIT %(limit)s;

-- name: get_ai_interaction
-- One model call with what was sent and received.
SELECT id, "timestamp", status, purpose, provider, model_name, deployment, answered_model, latency_ms, error_code,
       error_message, user_id, host(ip_address) AS ip_address, interaction_id, message_id, prompt_hash, file_metadata,
       coalesce(repair, 0) AS repair, input_tokens, cached_tokens, cache_write_tokens, image_tokens, output_tokens,
       reasoning_tokens, total_tokens, cost, currency, coalesce(body, 'full') AS body, request, response
FROM ai_interactions a
WHERE project_id = %(project_id)s AND id = %(id)s
  AND NOT EXISTS (SELECT 1 FROM interactions i WHERE i.project_id = a.project_id AND i.id = a.interaction_id
                  AND i.deleted_at IS NOT NULL);

-- name: sum_up_calls
-- What model calls took, by whichever of day, model, purpose and contact is asked for. What is deferred is no call yet.
SELECT grouped.*, input_tokens + cached_tokens + cache_write_tokens + image_tokens + output_tokens + reasoning_tokens
           AS total_tokens
FROM (
    SELECT CASE WHEN %(by_day)s THEN (a."timestamp" AT TIME ZONE 'UTC')::date END AS day,
           CASE WHEN %(by_model)s THEN a.model_name END AS model,
           CASE WHEN %(by_purpose)s THEN a.purpose END AS purpose,
           CASE WHEN %(by_contact)s THEN coalesce(c.merged_into, c.id) END AS contact_id,
           a.currency,
           count(*) AS calls,
           count(*) FILTER (WHERE a.status = 'error') AS errors,
           count(*) FILTER (WHERE a.status = 'unknown') AS unknown,
           sum(a.input_tokens)::bigint AS input_tokens,
           sum(a.cached_tokens)::bigint AS cached_tokens,
           sum(a.cache_write_tokens)::bigint AS cache_write_tokens,
           sum(a.image_tokens)::bigint AS image_tokens,
           sum(a.output_tokens)::bigint AS output_tokens,
           sum(a.reasoning_tokens)::bigint AS reasoning_tokens,
           sum(a.cost) AS cost,
           count(*) FILTER (WHERE a.cost IS NULL) AS unpriced
    FROM ai_interactions a
    LEFT JOIN interactions i ON %(by_contact)s AND i.project_id = a.project_id AND i.id = a.interaction_id
    LEFT JOIN contacts c ON c.project_id = i.project_id AND c.id = i.contact_id
    WHERE a.project_id = %(project_id)s AND a."timestamp" >= %(since)s AND a."timestamp" < %(until)s
      AND a.status <> 'deferred'
    GROUP BY 1, 2, 3, 4, 5) AS grouped
ORDER BY day DESC NULLS LAST, calls DESC, model, purpose, contact_id, currency
LIMIT %(limit)s;

-- name: get_budget
-- A project's caps, what its day took, and what waits.
SELECT p.ai_daily_tokens AS daily_tokens, p.ai_daily_cost AS daily_cost,
       coalesce(d.spent_tokens, 0) AS spent_tokens, coalesce(d.reserved_tokens, 0) AS reserved_tokens,
       coalesce(d.spent_cost, 0) AS spent_cost, coalesce(d.reserved_cost, 0) AS reserved_cost,
       coalesce(coalesce(d.spent_tokens, 0) >= p.ai_daily_tokens, false)
           OR coalesce(coalesce(d.spent_cost, 0) >= p.ai_daily_cost, false) AS exhausted,
       waiting.deferred, waiting.deferred_by_budget
FROM projects p
LEFT JOIN ai_budget_days d ON d.project_id = p.id AND d.day = %(day)s
CROSS JOIN (
    SELECT count(*) AS deferred,
           count(*) FILTER (WHERE error_code LIKE 'budget%%') AS deferred_by_budget
    FROM ai_interactions WHERE project_id = %(project_id)s AND status = 'deferred') AS waiting
WHERE p.id = %(project_id)s;
