-- Columns of a table, and for each an expression that min() and max() take.
SELECT a.attnum, a.attname, pg_catalog.quote_ident(a.attname),
       CASE WHEN t.oid IN ('pg_catalog.date'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype,
                           'pg_catalog.timestamptz'::pg_catalog.regtype) THEN 'time'
            WHEN t.oid = 'pg_catalog.bool'::pg_catalog.regtype THEN 'int'
            WHEN t.oid = 'pg_catalog.bytea'::pg_catalog.regtype THEN 'bytes'
            WHEN t.oid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype,
                           'pg_catalog.int8'::pg_catalog.regtype, 'pg_catalog.float4'::pg_catalog.regtype,
                           'pg_catalog.float8'::pg_catalog.regtype, 'pg_catalog.numeric'::pg_catalog.regtype,
                           'pg_catalog.time'::pg_catalog.regtype,
                           'pg_catalog.interval'::pg_catalog.regtype, 'pg_catalog.oid'::pg_catalog.regtype)
            THEN 'plain' ELSE 'text' END
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t0 ON t0.oid = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN t0.typtype = 'd' THEN t0.typbasetype ELSE t0.oid END
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid =
