SELECT concat('session ', id, ' of ', user, '@', host, ', ', time, ' s: ',
              coalesce(left(info, 120), state, command))
FROM information_schema.processlist
WHERE id <> connection_id() AND command NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
  AND user NOT IN ('system user', 'event_scheduler')
  AND coalesce(state, '') NOT LIKE 'Waiting for%lock'
ORDER BY command = 'Sleep', time DESC
LIMIT 1
