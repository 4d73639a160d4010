WITH here AS (SELECT d.*, pg_catalog.pg_get_userbyid(d.datdba) AS owner, pg_catalog.to_jsonb(d) AS j
                FROM pg_catalog.pg_database d WHERE datname = pg_catalog.current_database()),
space AS (SELECT t.* FROM pg_catalog.pg_tablespace t
           WHERE spcname NOT LIKE 'pg\_%'
             AND (oid IN (SELECT dattablespace FROM here)
                  OR oid IN (SELECT reltablespace FROM pg_catalog.pg_class WHERE relpersistence <> 't'))),
statement (place, name, sql) AS (
SELECT 1, '',
       pg_catalog.format('CREATE DATABASE %I WITH TEMPLATE = template0 ENCODING = %L LC_COLLATE = %L LC_CTYPE = %L%s%s%s',
              datname, pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype,
              CASE j ->> 'datlocprovider' WHEN 'i' THEN ' LOCALE_PROVIDER = icu'
                   WHEN 'b' THEN ' LOCALE_PROVIDER = builtin' ELSE '' END,
              CASE WHEN coalesce(j ->> 'daticulocale', j ->> 'datlocale') IS NULL THEN ''
                   ELSE pg_catalog.format(CASE j ->> 'datlocprovider' WHEN 'b' THEN ' BUILTIN_LOCALE = %L'
                                                ELSE ' ICU_LOCALE = %L' END,
                                          coalesce(j ->> 'daticulocale', j ->> 'datlocale')) END,
              pg_catalog.format(CASE WHEN j ->> 'daticurules' IS NULL THEN '' ELSE ' ICU_RULES = %L' END,
                                j ->> 'daticurules'))
  FROM here
UNION ALL
SELECT 1, 'tablespace', pg_catalog.format('ALTER DATABASE %I SET TABLESPACE %I', datname, spcname)
  FROM here JOIN space ON space.oid = dattablespace
UNION ALL
SELECT 2, '', pg_catalog.format('ALTER DATABASE %I OWNER TO %I', datname, owner) FROM here
UNION ALL
SELECT 2, '', pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT %s', datname, datconnlimit)
  FROM here WHERE datconnlimit >= 0
UNION ALL
SELECT 2, '', pg_catalog.format('ALTER DATABASE %I WITH IS_TEMPLATE = true', datname)
  FROM here WHERE datistemplate
UNION ALL
SELECT 2, spcname, pg_catalog.format('ALTER TABLESPACE %I OWNER TO %I', spcname, pg_catalog.pg_get_userbyid(spcowner))
  FROM space
UNION ALL
SELECT 2, spcname, pg_catalog.format('ALTER TABLESPACE %I SET (%s)', spcname, pg_catalog.array_to_string(spcoptions, ', '))
  FROM space WHERE spcoptions IS NOT NULL
UNION ALL
SELECT 2, spcname, pg_catalog.format('COMMENT ON TABLESPACE %I IS %L', spcname, pg_catalog.shobj_description(oid, 'pg_tablespace'))
  FROM space WHERE pg_catalog.shobj_description(oid, 'pg_tablespace') IS NOT NULL
UNION ALL
SELECT 2, spcname, pg_catalog.format('GRANT %s ON TABLESPACE %I TO %s%s', a.privilege_type, spcname,
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM space CROSS JOIN LATERAL pg_catalog.aclexplode(spcacl) a WHERE a.grantee <> spcowner
UNION ALL
SELECT 3, '',
       pg_catalog.format('%s DATABASE %I SET %I TO %s',
              CASE WHEN s.setrole = 0 THEN 'ALTER'
                   ELSE pg_catalog.format('ALTER ROLE %I IN', pg_catalog.pg_get_userbyid(s.setrole)) END,
              datname, pg_catalog.split_part(c.setting, '=', 1),
              CASE WHEN pg_catalog.lower(pg_catalog.split_part(c.setting, '=', 1)) IN
                        ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                         'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories')
                   THEN pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1)
                   ELSE pg_catalog.quote_literal(pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1)) END)
  FROM here
  JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = here.oid
 CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
UNION ALL
SELECT 4, '', pg_catalog.format('COMMENT ON DATABASE %I IS %L', datname, pg_catalog.shobj_description(oid, 'pg_database'))
  FROM here WHERE pg_catalog.shobj_description(oid, 'pg_database') IS NOT NULL
UNION ALL
SELECT 5, '', pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname) FROM here WHERE datacl IS NOT NULL
UNION ALL
-- In the order of the list: who grants has been granted before. Another than the owner as pg_dump writes it.
SELECT 6, pg_catalog.lpad(a.place::text, 9, '0'),
       CASE WHEN a.grantor = datdba THEN said.sql
            ELSE pg_catalog.format(E'SET SESSION AUTHORIZATION %I;\n%s;\nRESET SESSION AUTHORIZATION',
                        pg_catalog.pg_get_userbyid(a.grantor), said.sql) END
  FROM here CROSS JOIN LATERAL pg_catalog.aclexplode(datacl)
  WITH ORDINALITY AS a (grantor, grantee, privilege_type, is_grantable, place)
 CROSS JOIN LATERAL pg_catalog.format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, datname,
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS said (sql))
SELECT sql FROM statement ORDER BY place, name, sql
