\set parent random(1, 500)
BEGIN;
SELECT FROM parents WHERE id = :parent FOR UPDATE;
WITH gone AS (DELETE FROM children WHERE id IN (SELECT id FROM children WHERE parent = :parent ORDER BY random() LIMIT (random() * 3)::int) RETURNING 1),
come AS (INSERT INTO children (parent) SELECT :parent FROM generate_series(1, (random() * 4)::int) RETURNING 1)
UPDATE parents SET children = children - (SELECT count(*) FROM gone) + (SELECT count(*) FROM come) WHERE id = :parent;
END;
