-- What limits this session's account: {limit, used, setting}, one row each.
WITH open AS (
    -- Of others' sessions an ordinary account does not see the kind: what has a database and a user
    -- is a client or looks like one.
    SELECT usesysid, datname FROM pg_catalog.pg_stat_activity
    WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL)
), me AS (
    SELECT oid, rolname, rolsuper, rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = session_user
)
SELECT current_setting('max_connections')::int
       - CASE WHEN rolsuper THEN 0
              ELSE current_setting('superuser_reserved_connections')::int
                   + coalesce(current_setting('reserved_connections', true)::int, 0) END,
       (SELECT count(*) FROM open),
       'max_connections'
FROM me
UNION ALL
SELECT rolconnlimit, (SELECT count(*) FROM open WHERE usesysid = me.oid),
       pg_catalog.format('the connection limit of role %I', rolname)
FROM me WHERE rolconnlimit >= 0 AND NOT rolsuper
