-- name: reserve
-- What a call may take is taken from the day before it is made; no row when the day has nothing left.
INSERT INTO ai_budget_days AS d (project_id, day, reserved_tokens, reserved_cost)
SELECT %(project_id)s, %(day)s, %(tokens)s, %(cost)s
WHERE coalesce(%(daily_tokens)s::bigint, 1) > 0 AND coalesce(%(daily_cost)s::numeric, 1) > 0
ON CONFLICT (project_id, day) DO UPDATE
SET reserved_tokens = d.reserved_tokens + excluded.reserved_tokens,
    reserved_cost = d.reserved_cost + excluded.reserved_cost, updated_at = now()
WHERE (%(daily_tokens)s::bigint IS NULL OR d.spent_tokens + d.reserved_tokens < %(daily_tokens)s)
  AND (%(daily_cost)s::numeric IS NULL OR d.spent_cost + d.reserved_cost < %(daily_cost)s)
RETURNING day;

-- name: get_day
-- What a project's calls of one day took so far.
SELECT spent_tokens, reserved_tokens, spent_cost, reserved_cost FROM ai_budget_days
WHERE project_id = %(project_id)s AND day = %(day)s;
