-- Rows for tables that somebody else made up: "rows" per table, by the columns' types. Each statement
-- stands alone, so that a row which a check, a key or a trigger refuses costs nothing else. Passes go
-- over all tables again and again: what refers to a table finds rows there in the next one.
SELECT format('INSERT INTO %s (%s) SELECT %s ON CONFLICT DO NOTHING', t.oid::regclass, c.names, c.vals)
  FROM generate_series(1, :rows) AS n (i)
 CROSS JOIN (SELECT c.oid, c.relname FROM pg_class c
              WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')) t
 CROSS JOIN LATERAL (
   SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS names,
          string_agg(
            CASE WHEN k.conrelid IS NOT NULL
                 -- One column of a key: keys of several columns meet where their parts do.
                 THEN format('(SELECT %I FROM %s ORDER BY %s OFFSET %s %% greatest((SELECT count(*) FROM %s), 1) LIMIT 1)', k.other,
                             k.confrelid::regclass, k.keys, i, k.confrelid::regclass)
                 WHEN e.value IS NOT NULL THEN format('%L::%s', e.value, e.type)
                 WHEN ty.typarray = 0 AND ty.typelem <> 0 THEN format('%L::%s', '{}', format_type(a.atttypid, NULL))
                 ELSE format('%L::%s', CASE ty.typcategory
                   WHEN 'N' THEN CASE ty.typname WHEN 'int2' THEN (i * 37 % 30000)::text WHEN 'oid' THEN i::text
                                 WHEN 'float8' THEN (i / 3.0::float8)::text WHEN 'float4' THEN (i / 7.0::float4)::text
                                 WHEN 'numeric' THEN (i % 7)::text ELSE (i * 1013)::text END
                   WHEN 'B' THEN (i % 2 = 0)::text
                   WHEN 'D' THEN ('2001-02-03 04:05:06.789'::timestamp + i * interval '1001 s')::text
                   WHEN 'T' THEN i || ' s'
                   WHEN 'I' THEN '10.1.2.' || i
                   WHEN 'V' THEN repeat('0', 64)
                   WHEN 'S' THEN left(CASE i % 5 WHEN 0 THEN E'tab\t, line\n, back\\, ''quote''' WHEN 1 THEN 'straße €' ELSE '' END ||
                                      md5(i::text), CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 100 END)
                   ELSE CASE ty.typname WHEN 'json' THEN '{"i": ' || i || '}' WHEN 'jsonb' THEN '[' || i || ']'
                        WHEN 'bytea' THEN '\x00ff5c' || md5(i::text) WHEN 'uuid' THEN md5(i::text)
                        WHEN 'macaddr' THEN '08:00:2b:01:02:' || lpad(to_hex(i), 2, '0')
                        WHEN 'xml' THEN '<i>' || i || '</i>' WHEN 'tsvector' THEN 'word' || i END
                   END, format_type(a.atttypid, NULL))
            END, ', ' ORDER BY a.attnum) AS vals
     FROM pg_attribute a
     JOIN pg_type ty ON ty.oid = coalesce(nullif((SELECT typbasetype FROM pg_type WHERE oid = a.atttypid), 0), a.atttypid)
     LEFT JOIN LATERAL (SELECT format_type(a.atttypid, NULL) AS type,
                               (array_agg(enumlabel ORDER BY enumsortorder))[1 + i % count(*)] AS value
                          FROM pg_enum WHERE enumtypid = ty.oid) e ON true
     LEFT JOIN LATERAL (SELECT con.conrelid, con.confrelid,
                               (SELECT attname FROM pg_attribute WHERE attrelid = con.confrelid AND attnum = con.confkey[array_position(con.conkey, a.attnum)]) AS other,
                               (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = con.confrelid AND attnum = ANY (con.confkey)) AS keys
                          FROM pg_constraint con
                         WHERE con.contype = 'f' AND con.conrelid = a.attrelid AND a.attnum = ANY (con.conkey)
                         ORDER BY cardinality(con.conkey) DESC LIMIT 1) k ON true
    WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
      AND coalesce(pg_get_expr((SELECT adbin FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum), a.attrelid), '') NOT LIKE 'nextval%') c
 WHERE c.names IS NOT NULL
 ORDER BY i, t.relname
\gexec
