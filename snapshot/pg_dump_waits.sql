SELECT a.pid,
       EXISTS (SELECT FROM pg_catalog.pg_locks l
                WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.relation >= 16384 AND l.granted)
       AND a.query !~* '^\s*LOCK TABLE' AND a.wait_event_type IS DISTINCT FROM 'Lock',
       a.wait_event_type IS NOT DISTINCT FROM 'Lock'
  FROM pg_catalog.pg_stat_activity a
 WHERE a.application_name = %s AND a.datname = pg_catalog.current_database()
