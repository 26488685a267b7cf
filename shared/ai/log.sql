-- name: get_terms
-- What a project wants of its model calls.
SELECT ai_bodies, ai_daily_tokens, ai_daily_cost FROM projects WHERE id = %(project_id)s;

-- name: lock_claim
-- One worker at a time opens a call for one question about one message.
SELECT pg_advisory_xact_lock(hashtextextended(%(message_id)s::text || %(claim)s, 0));

-- name: calls_of_claim
-- The calls for one question that are under way, or whose answer was not yet put where it belongs; newest first.
SELECT id, status, deadline, answer, repair FROM ai_interactions
WHERE project_id = %(project_id)s AND message_id = %(message_id)s AND claim = %(claim)s
  AND (status = 'pending' OR answer IS NOT NULL)
ORDER BY "timestamp" DESC;

-- name: forget_answer!
-- What was kept for one question is of no use.
UPDATE ai_interactions SET answer = NULL
WHERE project_id = %(project_id)s AND message_id = %(message_id)s AND claim = %(claim)s AND answer IS NOT NULL;

-- name: open_call
-- A call that is about to be made. What was deferred before is this call.
INSERT INTO ai_interactions (
    project_id, id, "timestamp", status, request, model_name, provider, deployment, user_id, ip_address, file_metadata,
    prompt_hash, purpose, interaction_id, message_id, repair, body, claim, deadline, budget_day, reserved_tokens,
    reserved_cost)
VALUES (
    %(project_id)s,
    coalesce((SELECT id FROM ai_interactions WHERE project_id = %(project_id)s AND id = %(deferred_id)s
              AND status = 'deferred' FOR UPDATE), gen_random_uuid()),
    %(timestamp)s, 'pending', %(request)s::jsonb, %(model_name)s, %(provider)s, %(deployment)s, %(user_id)s,
    %(ip_address)s, %(file_metadata)s::jsonb, %(prompt_hash)s, %(purpose)s, %(interaction_id)s, %(message_id)s,
    %(repair)s, %(body)s, %(claim)s, %(deadline)s, %(budget_day)s, %(reserved_tokens)s, %(reserved_cost)s)
ON CONFLICT (project_id, id) DO UPDATE
SET "timestamp" = excluded."timestamp", status = 'pending', request = excluded.request, error_code = NULL,
    error_message = NULL, repair = excluded.repair, prompt_hash = excluded.prompt_hash, body = excluded.body, claim = excluded.claim,
    deadline = excluded.deadline, budget_day = excluded.budget_day, reserved_tokens = excluded.reserved_tokens,
    reserved_cost = excluded.reserved_cost
RETURNING id;

-- name: defer_call!
-- A call that is put off: nobody was asked, nothing was paid. Put off again, it is the same row.
INSERT INTO ai_interactions (
    project_id, id, "timestamp", status, request, error_code, error_message, model_name, provider, deployment, user_id,
    ip_address, file_metadata, purpose, interaction_id, message_id, repair, body)
VALUES (
    %(project_id)s, %(deferred_id)s, %(timestamp)s, 'deferred', '{}', %(error_code)s, %(error_message)s,
    %(model_name)s, %(provider)s, %(deployment)s, %(user_id)s, %(ip_address)s, %(file_metadata)s::jsonb, %(purpose)s,
    %(interaction_id)s, %(message_id)s, %(repair)s, 'none')
ON CONFLICT (project_id, id) DO UPDATE
SET "timestamp" = excluded."timestamp", error_code = excluded.error_code, error_message = excluded.error_message
WHERE ai_interactions.status = 'deferred';

-- name: settle_call!
-- What came of a call, and of its reservation. An answer after its deadline is the truth all the same.
WITH opened AS (
    SELECT id, status, budget_day, reserved_tokens, reserved_cost FROM ai_interactions
    WHERE project_id = %(project_id)s AND id = %(id)s AND status IN ('pending', 'unknown')
    FOR UPDATE),
settled AS (
    UPDATE ai_interactions a
    SET status = %(status)s, latency_ms = %(latency_ms)s, response = %(response)s::jsonb,
        request = coalesce(%(request)s::jsonb, a.request), prompt_hash = coalesce(%(prompt_hash)s, a.prompt_hash),
        model_name = coalesce(%(model_name)s, a.model_name), answered_model = %(answered_model)s,
        error_code = %(error_code)s, error_message = %(error_message)s, answer = %(answer)s::jsonb,
        input_tokens = %(input_tokens)s, cached_tokens = %(cached_tokens)s,
        cache_write_tokens = %(cache_write_tokens)s, image_tokens = %(image_tokens)s,
        output_tokens = %(output_tokens)s, reasoning_tokens = %(reasoning_tokens)s, total_tokens = %(total_tokens)s,
        cost = %(cost)s, currency = %(currency)s
    FROM opened o WHERE a.project_id = %(project_id)s AND a.id = o.id)
UPDATE ai_budget_days d
SET reserved_tokens = d.reserved_tokens - CASE o.status WHEN 'pending' THEN o.reserved_tokens ELSE 0 END,
    reserved_cost = d.reserved_cost - CASE o.status WHEN 'pending' THEN o.reserved_cost ELSE 0 END,
    spent_tokens = d.spent_tokens - CASE o.status WHEN 'unknown' THEN o.reserved_tokens ELSE 0 END
        + coalesce(%(spent_tokens)s, o.reserved_tokens),
    spent_cost = d.spent_cost - CASE o.status WHEN 'unknown' THEN o.reserved_cost ELSE 0 END
        + coalesce(%(spent_cost)s, o.reserved_cost),
    updated_at = now()
FROM opened o WHERE d.project_id = %(project_id)s AND d.day = o.budget_day;

-- name: give_up_calls
-- Calls past their deadline: their worker is gone. They may have been paid for, so what they reserved counts as spent.
WITH lost AS (
    UPDATE ai_interactions
    SET status = 'unknown', error_code = 'unknown', error_message = 'the worker ended before the call did'
    WHERE project_id = %(project_id)s AND status = 'pending' AND deadline < %(now)s
      AND (%(id)s::uuid IS NULL OR id = %(id)s)
    RETURNING budget_day, reserved_tokens, reserved_cost),
sums AS (
    SELECT budget_day, sum(reserved_tokens) AS tokens, sum(reserved_cost) AS cost FROM lost
    WHERE budget_day IS NOT NULL GROUP BY budget_day),
counted AS (
    UPDATE ai_budget_days d
    SET reserved_tokens = d.reserved_tokens - s.tokens, spent_tokens = d.spent_tokens + s.tokens,
        reserved_cost = d.reserved_cost - s.cost, spent_cost = d.spent_cost + s.cost, updated_at = now()
    FROM sums s WHERE d.project_id = %(project_id)s AND d.day = s.budget_day)
SELECT count(*) AS calls FROM lost;

-- name: every_project
-- Whose logs are kept up.
SELECT id FROM projects ORDER BY id;

-- name: expire_bodies!
-- What was sent and received is kept for as many days as the project says, some thousand rows at a time.
UPDATE ai_interactions SET request = '{}', response = NULL, body = 'expired'
WHERE project_id = %(project_id)s AND id IN (
    SELECT a.id FROM ai_interactions a JOIN projects p ON p.id = a.project_id
    WHERE a.project_id = %(project_id)s AND a.body <> 'expired' AND a.status <> 'pending'
      AND a."timestamp" < %(now)s - make_interval(days => p.ai_body_days)
    LIMIT %(limit)s);

-- name: expire_answers!
-- What was understood is where it belongs by now, or will be asked for again.
UPDATE ai_interactions SET answer = NULL
WHERE project_id = %(project_id)s AND answer IS NOT NULL AND "timestamp" < %(before)s;

-- name: forget_deferred!
-- What waits says so again and again; who said nothing for long was answered, deleted or given up.
DELETE FROM ai_interactions
WHERE project_id = %(project_id)s AND status = 'deferred' AND "timestamp" < %(before)s;

-- name: delete_calls!
-- The rows themselves go last; what a day took stays in its budget.
DELETE FROM ai_interactions
WHERE project_id = %(project_id)s AND id IN (
    SELECT a.id FROM ai_interactions a JOIN projects p ON p.id = a.project_id
    WHERE a.project_id = %(project_id)s AND a.status <> 'pending'
      AND a."timestamp" < %(now)s - make_interval(days => p.ai_log_days)
    LIMIT %(limit)s);
