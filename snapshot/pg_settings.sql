SELECT name, reset_val
  FROM pg_catalog.pg_settings
-- What the capturing role alone is set to says nothing about the server.
 WHERE NOT EXISTS (SELECT
                     FROM pg_catalog.pg_db_role_setting r, pg_catalog.unnest(r.setconfig) AS c (setting)
                    WHERE r.setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)
                      AND pg_catalog.lower(pg_catalog.split_part(c.setting, '=', 1)) = pg_catalog.lower(name))
   AND name !~* '(conninfo|passphrase|password_command|secret|token|_command$|_key|keytab|identity_file)'
   AND (source NOT IN ('default', 'override', 'client', 'session', 'command line')
        OR name IN ('server_version', 'server_encoding', 'lc_collate', 'lc_ctype', 'lc_messages', 'lc_monetary',
                    'lc_numeric', 'lc_time', 'TimeZone', 'DateStyle', 'IntervalStyle', 'max_connections',
                    'shared_buffers', 'work_mem', 'maintenance_work_mem', 'effective_cache_size',
                    'random_page_cost', 'seq_page_cost', 'default_statistics_target', 'jit',
                    'max_parallel_workers_per_gather', 'max_worker_processes', 'default_transaction_isolation',
                    'standard_conforming_strings', 'block_size', 'data_checksums', 'wal_level',
                    'shared_preload_libraries', 'statement_timeout', 'lock_timeout', 'search_path',
                    'max_locks_per_transaction', 'autovacuum', 'track_functions'))
 ORDER BY name
