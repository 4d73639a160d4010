WITH wanted AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname NOT LIKE 'pg\_%'),
statement (place, name, sql) AS (
SELECT 1, rolname, pg_catalog.format('CREATE ROLE %I', rolname) FROM wanted
UNION ALL
SELECT 2, rolname,
       pg_catalog.format('ALTER ROLE %I WITH %s %s %s %s %s %s %s CONNECTION LIMIT %s%s', rolname,
              CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
              CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
              CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
              CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
              CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
              CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
              CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
              rolconnlimit,
              CASE WHEN rolvaliduntil IS NULL THEN ''
                   ELSE pg_catalog.format(' VALID UNTIL %L', rolvaliduntil) END)
  FROM wanted
UNION ALL
SELECT 3, r.rolname,
       pg_catalog.format('ALTER ROLE %I SET %I TO %s', r.rolname, pg_catalog.split_part(s.setting, '=', 1),
              CASE WHEN pg_catalog.lower(pg_catalog.split_part(s.setting, '=', 1)) IN
                        ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                         'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories')
                   THEN pg_catalog.substr(s.setting, pg_catalog.strpos(s.setting, '=') + 1)
                   ELSE pg_catalog.quote_literal(pg_catalog.substr(s.setting, pg_catalog.strpos(s.setting, '=') + 1)) END)
  FROM wanted r CROSS JOIN LATERAL pg_catalog.unnest(r.rolconfig) AS s (setting)
UNION ALL
SELECT 4, r.rolname, pg_catalog.format('COMMENT ON ROLE %I IS %L', r.rolname, d.description)
  FROM wanted r JOIN pg_catalog.pg_shdescription d
    ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
UNION ALL
SELECT 5, m.rolname,
       pg_catalog.format('GRANT %I TO %I%s', g.rolname, m.rolname, pg_catalog.concat_ws(', ',
              CASE WHEN pg_catalog.bool_or(am.admin_option) THEN ' WITH ADMIN OPTION' END,
-- From version 16 on a membership has options of its own; they are said where they are not the usual ones.
              CASE WHEN NOT (pg_catalog.bool_or(coalesce((j ->> 'inherit_option')::bool, m.rolinherit)) = m.rolinherit
                             AND pg_catalog.bool_or(coalesce((j ->> 'set_option')::bool, true)))
                   THEN pg_catalog.format('%sINHERIT %s, SET %s',
                               CASE WHEN pg_catalog.bool_or(am.admin_option) THEN '' ELSE ' WITH ' END,
                               pg_catalog.bool_or((j ->> 'inherit_option')::bool)::text,
                               pg_catalog.bool_or((j ->> 'set_option')::bool)::text) END))
  FROM pg_catalog.pg_auth_members am
 CROSS JOIN LATERAL pg_catalog.to_jsonb(am) AS j
  JOIN pg_catalog.pg_roles g ON g.oid = am.roleid
  JOIN wanted m ON m.oid = am.member
 GROUP BY g.rolname, m.rolname, m.rolinherit
UNION ALL
SELECT 6, '',
       pg_catalog.format('ALTER ROLE ALL SET %I TO %s', pg_catalog.split_part(c.setting, '=', 1),
              CASE WHEN pg_catalog.lower(pg_catalog.split_part(c.setting, '=', 1)) IN
                        ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                         'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories')
                   THEN pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1)
                   ELSE pg_catalog.quote_literal(pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1)) END)
  FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
 WHERE s.setdatabase = 0 AND s.setrole = 0)
SELECT sql FROM statement ORDER BY place, name, sql
