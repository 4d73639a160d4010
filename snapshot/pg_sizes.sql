SELECT c.oid, pg_catalog.pg_relation_size(c.oid), pg_catalog.pg_table_size(c.oid),
       pg_catalog.pg_relation_filenode(c.oid)
  FROM pg_catalog.pg_class c
 WHERE c.relkind = 'r'
   AND c.oid IN (SELECT l.relation FROM pg_catalog.pg_locks l
                  WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
                    AND l.mode = 'AccessShareLock')
 ORDER BY c.oid
