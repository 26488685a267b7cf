-- name: list_terms
-- Every project and what it decides of its model calls, as the sweeper sees them.
SELECT id, name, ai_daily_tokens, ai_daily_cost, ai_bodies, ai_body_days, ai_log_days FROM projects ORDER BY name, id;

-- name: lock_terms
-- What one project decides, until it is changed.
SELECT id, name, ai_daily_tokens, ai_daily_cost, ai_bodies, ai_body_days, ai_log_days FROM projects
WHERE id = %(id)s FOR UPDATE;

-- name: set_terms!
-- What one project decides from now on.
UPDATE projects
SET ai_daily_tokens = %(ai_daily_tokens)s, ai_daily_cost = %(ai_daily_cost)s, ai_bodies = %(ai_bodies)s,
    ai_body_days = %(ai_body_days)s, ai_log_days = %(ai_log_days)s
WHERE id = %(id)s;
