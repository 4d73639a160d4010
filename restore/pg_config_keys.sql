SELECT pg_catalog.format('foreign key %I of table %s', k.conname, k.conrelid::pg_catalog.regclass),
       pg_catalog.format('SELECT FROM ONLY %s a WHERE (%s) AND NOT EXISTS (SELECT FROM %s b WHERE %s) LIMIT 1',
                         k.conrelid::pg_catalog.regclass, c.given, k.confrelid::pg_catalog.regclass, c.found)
  FROM pg_catalog.pg_constraint k
 CROSS JOIN LATERAL (SELECT pg_catalog.string_agg(pg_catalog.format('a.%I IS NOT NULL', x.attname), ' AND ') AS given,
                            pg_catalog.string_agg(pg_catalog.format('a.%I OPERATOR(%s.%s) b.%I', x.attname, pg_catalog.quote_ident(n.nspname), o.oprname, y.attname), ' AND ') AS found
                       FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop)) AS u (own, other, eq)
                       JOIN pg_catalog.pg_attribute x ON x.attrelid = k.conrelid AND x.attnum = u.own
                       JOIN pg_catalog.pg_attribute y ON y.attrelid = k.confrelid AND y.attnum = u.other
                       JOIN pg_catalog.pg_operator o ON o.oid = u.eq
                       JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace) c
 WHERE k.contype = 'f' AND EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE k.conrelid = ANY (e.extconfig))
