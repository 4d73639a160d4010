-- Relation locks of this session; a table that this transaction dropped has no name any more.
SELECT l.relation, coalesce(n.nspname || '.' || c.relname, ''), l.mode
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                    WHERE d.datname = pg_catalog.current_database())
  AND (c.oid IS NULL OR c.relkind IN ('r', 'p', 'm'))
  AND (n.oid IS NULL OR (n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'))
ORDER BY 1, 3
