SELECT d.datname, pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
       pg_catalog.pg_get_userbyid(d.datdba), pg_catalog.current_setting('server_version'),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata),
       EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public')
  FROM pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database()
