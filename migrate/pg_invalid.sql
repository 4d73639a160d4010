-- Indexes that a concurrent build left behind, or that are still to be attached.
SELECT i.indexrelid, n.nspname || '.' || t.relname, x.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE NOT i.indisvalid AND n.nspname !~ '^pg_'
ORDER BY i.indexrelid
