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
       pg_catalog.format('GRANT %I TO %I%s', g.rolname, m.rolname,
              CASE WHEN am.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END)
  FROM pg_catalog.pg_auth_members am
  JOIN pg_catalog.pg_roles g ON g.oid = am.roleid
  JOIN wanted m ON m.oid = am.member)
SELECT sql FROM statement ORDER BY place, name, sql
