SELECT pg_catalog.pg_is_in_recovery(),
       CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN 0
            WHEN pg_catalog.pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_catalog.pg_last_wal_replay_lsn()
                 AND EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver) THEN 0
            ELSE coalesce(greatest(extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()), 0), 0) END,
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN 0 ELSE pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0') END,
       (SELECT pg_catalog.min(pg_catalog.pg_wal_lsn_diff(r.replay_lsn, '0/0')) FROM pg_catalog.pg_stat_replication r WHERE r.state IN ('streaming', 'catchup')),
       coalesce((SELECT pg_catalog.max(extract(epoch FROM r.replay_lag)) FROM pg_catalog.pg_stat_replication r WHERE r.state IN ('streaming', 'catchup')), 0),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication r WHERE r.state IS NULL),
       EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.backend_type = 'startup' AND a.wait_event LIKE 'RecoveryConflict%'),
       EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.backend_type = 'startup' AND a.wait_event_type = 'BufferPin')
