-- The session gets a new token at login (its cart comes along), so that a token which somebody
-- planted before is worth nothing after.
WITH moved AS (
    UPDATE sessions
    SET id = encode(sha256(convert_to($1, 'UTF8')), 'hex'), customer_id = $3, last_seen_at = now()
    WHERE id = encode(sha256(convert_to($2, 'UTF8')), 'hex')
    RETURNING 1
)
INSERT INTO sessions (id, customer_id, user_agent)
SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex'), $3, left($4, 200)
WHERE NOT EXISTS (SELECT FROM moved)
