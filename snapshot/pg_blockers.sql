SELECT DISTINCT ON (l.granted, a.pid) a.pid, coalesce(a.usename, '?'), coalesce(nullif(a.application_name, ''), '?'), l.relation::pg_catalog.regclass,
       coalesce(pg_catalog.to_char(pg_catalog.now() - a.xact_start, 'FMHH24:MI:SS'), '?')
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
   AND l.pid <> pg_catalog.pg_backend_pid()
 ORDER BY l.granted DESC, a.pid
 LIMIT 3
