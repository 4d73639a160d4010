INSERT INTO sessions (id, user_agent)
VALUES (encode(sha256(convert_to($1, 'UTF8')), 'hex'), left($2, 200))
