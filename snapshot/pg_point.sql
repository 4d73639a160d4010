SELECT pg_catalog.pg_export_snapshot(),
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_insert_lsn() END,
       pg_catalog.txid_current_snapshot(),
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.clock_timestamp()
