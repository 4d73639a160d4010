SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relpersistence::text,
       coalesce(a.amname, ''),
       config.condition,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),
       c.relrowsecurity AND pg_catalog.row_security_active(c.oid)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
  LEFT JOIN LATERAL (SELECT coalesce(e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)], '') AS condition
                       FROM pg_catalog.pg_extension e
                      WHERE c.oid = ANY (e.extconfig)
                      LIMIT 1) config ON true
 WHERE (c.relkind IN ('r', 'p', 'f', 'm')
        AND c.relpersistence <> 't'
        AND n.nspname <> 'information_schema'
        AND n.nspname NOT LIKE 'pg\_%'
        AND (config.condition IS NOT NULL
             OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                               AND d.objid = c.oid AND d.deptype = 'e')))
    OR (c.oid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
        AND EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata))
 ORDER BY c.oid
