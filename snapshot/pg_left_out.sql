SELECT 'subscription ' || pg_catalog.quote_ident(subname), 'its connection string may hold a password, and a copy must not subscribe'
  FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
 WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'passwords of ' || pg_catalog.count(*) || ' login roles', 'secrets are never captured'
  FROM pg_catalog.pg_roles WHERE rolcanlogin AND rolname NOT LIKE 'pg\_%' HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT 'tablespace ' || pg_catalog.quote_ident(spcname), 'its folder and options: a box has a folder of its own'
  FROM pg_catalog.pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')
