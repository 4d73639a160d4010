-- At least one object of every kind that a PostgreSQL database can hold and Debian's server offers.
-- Loaded by tests/e2e/postgresql.sh into an empty database "torture" by a superuser.
SET client_min_messages = warning;
CREATE ROLE owner_role NOLOGIN;
CREATE ROLE "app user" LOGIN CONNECTION LIMIT 5 VALID UNTIL '2030-01-01' PASSWORD 'never-captured-7781';
CREATE ROLE reader NOLOGIN NOINHERIT;
GRANT reader TO "app user" WITH ADMIN OPTION;
COMMENT ON ROLE reader IS 'reads; nothing "else"';
ALTER ROLE "app user" SET search_path TO shop, public;
ALTER ROLE "app user" IN DATABASE torture SET work_mem TO '5MB';
ALTER DATABASE torture SET statement_timeout TO '12345s';
COMMENT ON DATABASE torture IS 'it''s for testing';
GRANT CONNECT, TEMPORARY ON DATABASE torture TO reader;

CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION postgres_fdw;
CREATE SCHEMA shop AUTHORIZATION owner_role;
CREATE SCHEMA "Odd ""Schema"" é";
CREATE SCHEMA empty_one;
COMMENT ON SCHEMA shop IS 'the shop';
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO reader;

CREATE TYPE shop.mood AS ENUM ('sad', 'ok', 'it''s; fine');
CREATE TYPE shop.pair AS (a int, b text);
CREATE TYPE shop.float_span AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE DOMAIN shop.email AS citext CHECK (VALUE ~ '@') NOT NULL;
CREATE COLLATION shop.german (provider = icu, locale = 'de-DE');

CREATE SEQUENCE shop.loose START 100 INCREMENT -5 MINVALUE -1000 MAXVALUE 100 CYCLE;
SELECT nextval('shop.loose'), nextval('shop.loose');
CREATE SEQUENCE shop.untouched START 42;

CREATE TABLE shop.customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mail shop.email UNIQUE,
  name text COLLATE shop.german NOT NULL,
  tags hstore, mood shop.mood DEFAULT 'ok', address shop.pair,
  full_name text GENERATED ALWAYS AS (upper(name)) STORED,
  created timestamptz NOT NULL DEFAULT now(),
  CHECK (length(name) < 1000));
CREATE TABLE shop.orders (
  id serial PRIMARY KEY,
  customer bigint NOT NULL REFERENCES shop.customers ON DELETE CASCADE,
  parent int REFERENCES shop.orders DEFERRABLE INITIALLY DEFERRED,
  amount numeric(12,2) NOT NULL, paid bool, "when" date, span tstzrange,
  note text, doc jsonb, raw bytea, ids uuid[],
  EXCLUDE USING gist (span WITH &&) WHERE (paid));
CREATE INDEX orders_doc ON shop.orders USING gin (doc jsonb_path_ops);
CREATE INDEX orders_lower ON shop.orders (lower(note), amount DESC NULLS LAST) INCLUDE (paid) WHERE amount > 10;
CREATE INDEX orders_trgm ON shop.orders USING gin (note gin_trgm_ops);
CREATE UNIQUE INDEX orders_u ON shop.orders (id, amount);
ALTER TABLE shop.orders REPLICA IDENTITY USING INDEX orders_u;
ALTER TABLE shop.orders CLUSTER ON orders_pkey;
ALTER TABLE shop.orders ALTER COLUMN note SET STATISTICS 500, ALTER COLUMN raw SET STORAGE EXTERNAL;
CREATE STATISTICS shop.orders_stats (dependencies, mcv) ON customer, amount FROM shop.orders;
ALTER TABLE shop.customers ADD favourite int REFERENCES shop.orders;

CREATE TABLE shop.types (
  i2 smallint, i4 int, i8 bigint, n numeric, f4 real, f8 double precision, m money, t text,
  v varchar(20), c char(10), b bytea, ts timestamp, tz timestamptz, d date, tm time, tmz timetz, iv interval,
  bo bool, p point, ln line, ls lseg, bx box, pa path, pg polygon, ci circle, ip inet, cd cidr, ma macaddr, m8 macaddr8,
  bi bit(3), vb bit varying, tv tsvector, tq tsquery, u uuid, x xml, j json, jb jsonb, ia int[][], ta text[],
  r int4range, mr int4multirange, o oid, l pg_lsn, hs hstore, ct citext, fs shop.float_span, pr shop.pair, pra shop.pair[]);
INSERT INTO shop.types VALUES
 (-32768, -2147483648, -9223372036854775808, 'NaN', '-0', 'Infinity', '-1234.56', E'tab\there\nline\\back\r\x01''"$;',
  '', '  x', '\x00ff0a5c09', 'infinity', '-infinity', '0044-03-15 BC', '24:00:00', '23:59:59.999999+15:59',
  '-1 year -2 mons +3 days -04:05:06.789', true, '(1.1,-2e-300)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,2)]',
  '((0,0),(1,1),(1,0))', '<(0,0),5>', '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
  '101', '1011', 'a:1A fat:2B,4C', 'fat & (rat | cat)', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '<a b="c">&lt;é</a>',
  '{"a" :  1, "a":2}', '{"a": [1, null, "\u00e9\\n"]}', '{{1,2},{3,NULL}}', ARRAY['', NULL, 'NULL', '\N', '{,}'],
  '[1,5)', '{[1,3),[7,)}', 4294967295, '16/B374D848', '"k\""=>NULL, x=>"y\\"', 'CiText', '[-1.5,)', '(7,"a,""b")', ARRAY[(1,NULL)::shop.pair]),
 (NULL, NULL, NULL, 123456789012345678901234567890.123456789012345678901234567890, 3.4028235e38, 4.9e-324, 0, '\N', '\.', '', '', NULL,
  '2024-02-29 12:34:56.123456+13', NULL, NULL, NULL, '00:00:00', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '::1', NULL, NULL, NULL, '000', '',
  '', '', NULL, NULL, 'null', 'null', '{}', '{}', 'empty', '{}', 0, '0/0', '', '', 'empty', '(,)', '{}'),
 (1, 1, 1, -0.000, 1e-45, 0.1::float8 + 0.2, 99999999.99, E'\\.\n\\.', 'x', 'x', decode(repeat('00', 9000), 'hex'), '4713-01-01 BC', 'epoch',
  'infinity', '00:00', '00:00-15:59', 'P178000000Y', NULL, '(NaN,Infinity)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, 'only content', '[]', '[]', '[-1:0]={1,2}', NULL, '(,)', '{(,)}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE shop.nothing ();
INSERT INTO shop.nothing DEFAULT VALUES;
INSERT INTO shop.nothing DEFAULT VALUES;
CREATE TABLE shop.no_rows (a int);
CREATE TABLE shop.only_generated (a int GENERATED ALWAYS AS (7) STORED);
INSERT INTO shop.only_generated DEFAULT VALUES;
CREATE TABLE shop.dropped (a int, b int, c text);
INSERT INTO shop.dropped VALUES (1, 2, 'three');
ALTER TABLE shop.dropped DROP b;
ALTER TABLE shop.dropped ADD d int DEFAULT 9;
CREATE TABLE "Odd ""Schema"" é"."T;a'b\c % ü" ("Col ""1""" int PRIMARY KEY, "select" text, "a.b" text);
INSERT INTO "Odd ""Schema"" é"."T;a'b\c % ü" VALUES (1, 'x', E'\t'), (2, NULL, '\N');
CREATE UNLOGGED TABLE shop.fleeting (a int, b text);
INSERT INTO shop.fleeting VALUES (1, 'one');
CREATE TABLE shop.typed OF shop.pair (a WITH OPTIONS PRIMARY KEY);
INSERT INTO shop.typed VALUES (1, 'x');
CREATE TABLE shop.parent (id int PRIMARY KEY, v text);
CREATE TABLE shop.child (extra int) INHERITS (shop.parent);
INSERT INTO shop.parent VALUES (1, 'p');
INSERT INTO shop.child VALUES (2, 'c', 3);

CREATE TABLE shop.events (id bigint, at timestamptz NOT NULL, kind text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE shop.events_2023 PARTITION OF shop.events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE shop.events_2024 PARTITION OF shop.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
ALTER TABLE shop.events_2024 DROP CONSTRAINT IF EXISTS x;
CREATE TABLE shop.events_2024_0 PARTITION OF shop.events_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.events_2024_1 PARTITION OF shop.events_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
CREATE INDEX events_kind ON shop.events (kind);
CREATE TABLE shop.listed (k text, v int) PARTITION BY LIST (k);
CREATE TABLE shop.listed_a PARTITION OF shop.listed FOR VALUES IN ('a', NULL);
CREATE TABLE shop.listed_b (v int, k text);
ALTER TABLE shop.listed ATTACH PARTITION shop.listed_b FOR VALUES IN ('b');
CREATE TABLE shop.event_notes (at timestamptz, id bigint, note text, FOREIGN KEY (at, id) REFERENCES shop.events);
INSERT INTO shop.events SELECT g, '2022-12-01'::timestamptz + g * interval '1 day', 'k' || g % 7 FROM generate_series(1, 900) g;
INSERT INTO shop.listed VALUES ('a', 1), ('b', 2), (NULL, 3);
INSERT INTO shop.event_notes SELECT at, id, 'n' FROM shop.events WHERE id % 10 = 0;

INSERT INTO shop.customers (mail, name, tags, address, created)
  SELECT 'c' || g || '@example.com', 'Kunde Ä ' || g, hstore('n', g::text), (g, 'b' || g)::shop.pair, '2024-01-01'::timestamptz + g * interval '1 s'
    FROM generate_series(1, 2000) g;
INSERT INTO shop.orders (customer, parent, amount, paid, "when", note, doc, raw, ids)
  SELECT 1 + g % 2000, CASE WHEN g > 1 AND g % 3 = 0 THEN g - 1 END, g * 1.01, g % 2 = 0, '2024-01-01'::date + g % 300,
         CASE WHEN g % 11 > 0 THEN repeat('note ' || g, 1 + g % 20) END, jsonb_build_object('g', g, 'l', ARRAY[g, g + 1]),
         decode(md5(g::text), 'hex'), ARRAY[md5(g::text)::uuid]
    FROM generate_series(1, 60000) g;
UPDATE shop.customers SET favourite = id WHERE id % 2 = 0;
DELETE FROM shop.orders WHERE id % 5000 = 1 AND parent IS NULL AND NOT EXISTS (SELECT FROM shop.customers c WHERE favourite = shop.orders.id)
   AND NOT EXISTS (SELECT FROM shop.orders k WHERE k.parent = shop.orders.id);
CREATE TABLE shop.wide (id int, body text);
ALTER TABLE shop.wide ALTER body SET STORAGE EXTERNAL;
INSERT INTO shop.wide SELECT g, repeat(md5(g::text), 20000) FROM generate_series(1, 30) g;

CREATE FUNCTION shop.add(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + b;
CREATE FUNCTION shop.body() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
CREATE PROCEDURE shop.proc(INOUT x int) LANGUAGE plpgsql AS $p$ BEGIN x := x + 1; COMMIT; END $p$;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = shop AS $$
BEGIN NEW.note := coalesce(NEW.note, '') || 'touched; $'; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF note ON shop.orders FOR EACH ROW WHEN (NEW.amount > 0) EXECUTE FUNCTION shop.touch();
CREATE TRIGGER off BEFORE DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
ALTER TABLE shop.orders DISABLE TRIGGER off;
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trigger ran while data were loaded'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON shop.dropped FOR EACH ROW EXECUTE FUNCTION shop.refuse();
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON shop.customers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.refuse();
CREATE FUNCTION shop.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION shop.watch();
CREATE AGGREGATE shop.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE OPERATOR shop.### (LEFTARG = int, RIGHTARG = int, FUNCTION = shop.add);
CREATE OPERATOR CLASS shop.int_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 3 =, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
CREATE FUNCTION shop.pair_int(shop.pair) RETURNS int LANGUAGE sql IMMUTABLE RETURN ($1).a;
CREATE CAST (shop.pair AS int) WITH FUNCTION shop.pair_int(shop.pair) AS ASSIGNMENT;
CREATE TEXT SEARCH DICTIONARY shop.dict (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION shop.config (COPY = english);
ALTER TEXT SEARCH CONFIGURATION shop.config ALTER MAPPING FOR asciiword WITH shop.dict;
CREATE CONVERSION shop.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

CREATE VIEW shop.view_a AS SELECT id, amount FROM shop.orders WHERE paid WITH CASCADED CHECK OPTION;
CREATE VIEW shop.view_b WITH (security_barrier) AS SELECT o.id, c.name, count(*) FROM shop.orders o JOIN shop.customers c ON c.id = o.customer GROUP BY o.id, c.name;
CREATE VIEW shop.by_key AS SELECT id, name, mail FROM shop.customers GROUP BY id;
CREATE MATERIALIZED VIEW shop.mat_a AS SELECT customer, sum(amount) AS total FROM shop.orders GROUP BY customer;
CREATE UNIQUE INDEX mat_a_i ON shop.mat_a (customer);
CREATE MATERIALIZED VIEW shop.aa_mat_on_mat AS SELECT count(*) AS n, max(total) AS m FROM shop.mat_a;
CREATE MATERIALIZED VIEW shop.not_filled AS SELECT 1 AS one WITH NO DATA;
CREATE RULE quiet AS ON DELETE TO shop.types DO INSTEAD NOTHING;
CREATE RULE many AS ON UPDATE TO shop.no_rows DO ALSO (NOTIFY a; NOTIFY b);

CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h', dbname 'd');
CREATE USER MAPPING FOR reader SERVER elsewhere OPTIONS (user 'u', password 'never-captured-7781');
CREATE FOREIGN TABLE shop.far (a int, b text) SERVER elsewhere OPTIONS (table_name 'x');

ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.customers FOR SELECT TO reader USING (mail = current_user::citext);
CREATE PUBLICATION pub FOR TABLE shop.customers (id, name), shop.orders WHERE (amount > 10);
CREATE PUBLICATION everything FOR ALL TABLES;
GRANT SELECT ON shop.orders TO reader;
GRANT UPDATE (note) ON shop.orders TO "app user" WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION shop.add TO reader;
REVOKE ALL ON FUNCTION shop.body() FROM PUBLIC;
COMMENT ON TABLE shop.orders IS E'line one\nline two; -- ''quoted''';
COMMENT ON COLUMN shop.orders.note IS $$a \. b$$;
COMMENT ON INDEX shop.orders_doc IS 'index';
COMMENT ON CONSTRAINT customers_pkey ON shop.customers IS 'key';
COMMENT ON TRIGGER touch ON shop.orders IS 'trigger';
COMMENT ON EXTENSION hstore IS 'mine';
ALTER TABLE shop.orders OWNER TO owner_role;
ALTER VIEW shop.view_a OWNER TO "app user";

CREATE FUNCTION pg_temp.large(o oid, pages int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lo_create(o);
  FOR i IN 0..pages - 1 LOOP PERFORM lo_put(o, i * 2048, decode(repeat(md5(i::text), 64), 'hex')); END LOOP;
  PERFORM lo_put(o, pages * 2048 + 5000, 'end');
END $$;
SELECT pg_temp.large(770001, 3), pg_temp.large(770002, 700);
SELECT lo_create(770003);
GRANT SELECT ON LARGE OBJECT 770001 TO reader;
COMMENT ON LARGE OBJECT 770002 IS 'large';

-- Values whose binary form is made from their text, at their edges and at random; and dates beyond
-- what is made so, whose table goes as text.
CREATE TABLE shop.exact (
  i2 smallint, i4 int, i8 bigint, b bool, f4 real, f8 double precision, n numeric, n2 numeric(30,10), t text,
  v varchar(30), c char(9), j json, jb jsonb, y bytea, u uuid, d date, ts timestamp, ts3 timestamp(3), tz timestamptz);
INSERT INTO shop.exact VALUES
 (32767, 2147483647, 9223372036854775807, true, 'NaN', 'NaN', 'NaN', NULL, '', '', '', 'null', 'null', '', NULL, 'infinity', 'infinity', '-infinity', 'infinity'),
 (-32768, -2147483648, -9223372036854775808, false, '-Infinity', '-Infinity', '-Infinity', 0, E'\t\n\r\\\b\f\v', E'\\N', E'a\\ ', '{"a": "\n\\"}', '{"a": "\n\\"}', '\x5c',
  '00000000-0000-0000-0000-000000000000', '-infinity', '4713-11-24 00:00:00 BC', '0001-12-31 23:59:59.999 BC', '4713-11-24 00:00:00+00 BC'),
 (0, 0, 0, NULL, '1e-45', '5e-324', 1e-200, -1e-10, E'\\.', 'ü', 'ü', '[]', '[]', '\x00', gen_random_uuid(), '4713-01-01 BC', '294276-12-31 23:59:59.999999', '1999-12-31 23:59:59.999', '294276-12-31 23:59:59.999999+00'),
 (NULL, NULL, NULL, NULL, '-0', '-0', 1e300, 99999999999999999999.9999999999, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO shop.exact
SELECT (random() * 65535 - 32768)::int, (random() * 4294967295 - 2147483648)::bigint, (random() * 2 - 1) * 9e18, random() < 0.5,
       ((random() - 0.5) * 10 ^ (random() * 70 - 35)::numeric)::real, (random() - 0.5) * 10 ^ (random() * 600 - 300)::numeric,
       round((random() - 0.5)::numeric * 10 ^ floor(random() * 40)::numeric, floor(random() * 20)::int),
       ((random() - 0.5) * 10 ^ (random() * 20)::numeric)::numeric(30,10), repeat(chr(1 + floor(random() * 700)::int), floor(random() * 9)::int),
       'v' || n, n, to_json(md5(n::text)), to_jsonb(md5(n::text)), decode(md5(n::text), 'hex'), md5(n::text)::uuid,
       date '4713-01-01 BC' + floor(random() * 20000000)::int, timestamp '4713-12-01 BC' + random() * interval '20000000 days',
       timestamp '1900-01-01' + random() * interval '90000 days', timestamptz '4713-12-01 BC' + random() * interval '20000000 days'
  FROM generate_series(1, 20000) n;
CREATE TABLE shop.far_days (id int PRIMARY KEY, d date);
INSERT INTO shop.far_days SELECT n, date '2000-01-01' + n FROM generate_series(1, 1000) n;
INSERT INTO shop.far_days VALUES (0, '5874897-12-31');

-- Rows far above a segment, and above what is read from a socket at once.
CREATE TABLE shop.large_rows (id int PRIMARY KEY, t text, y bytea);
INSERT INTO shop.large_rows VALUES (1, 'before', '\x01'), (2, repeat(E'0123456789\t\\ü\n', 800000), decode(repeat(md5('x'), 300000), 'hex')),
 (3, NULL, NULL), (4, repeat('y', 9000000), NULL), (5, 'behind', '\x02');
-- Names with any character, and the kinds that are seldom seen.
CREATE SCHEMA U&"new\000Aline \0022quote\0022 \\back\0009tab";
CREATE TYPE U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"en\000Aum" AS ENUM (E'a\nb', 'c\d', '"');
CREATE TABLE U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"ta\000Able; -- ""x""" (
  U&"col\000A1" int GENERATED BY DEFAULT AS IDENTITY (START 7 INCREMENT 3 CYCLE MAXVALUE 1000) PRIMARY KEY,
  "c\ol" U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"en\000Aum" DEFAULT E'a\nb', "$1" text COLLATE "C" CHECK ("$1" <> E'\n''\\'), "Ünïcode ☃" date);
INSERT INTO U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"ta\000Able; -- ""x""" ("c\ol", "$1") VALUES (E'a\nb', E'\\N'), ('c\d', E'\n'), ('"', NULL);
CREATE INDEX U&"in\000Adex """ ON U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"ta\000Able; -- ""x""" ("$1" DESC NULLS LAST) WITH (fillfactor = 71);
CREATE VIEW U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"vi\000Aew" AS SELECT * FROM U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"ta\000Able; -- ""x""" WHERE "$1" <> E'\n';
COMMENT ON TABLE U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"ta\000Able; -- ""x""" IS E'a\nb''\\';
CREATE ROLE U&"ro\000Ale ""x"" \\y" NOLOGIN;
GRANT SELECT ("$1"), UPDATE ON U&"new\000Aline \0022quote\0022 \\back\0009tab".U&"ta\000Able; -- ""x""" TO U&"ro\000Ale ""x"" \\y" WITH GRANT OPTION;
CREATE FUNCTION shop.U&"fn\000A""x"""(U&"a\000Ab" int) RETURNS int LANGUAGE sql RETURN 1;

ALTER DEFAULT PRIVILEGES FOR ROLE owner_role GRANT EXECUTE ON FUNCTIONS TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE owner_role REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE owner_role IN SCHEMA shop GRANT USAGE ON SEQUENCES TO reader WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO reader;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO reader;
CREATE STATISTICS shop.expr_stats ON (amount * 2), (lower(note)) FROM shop.orders;
CREATE STATISTICS shop.nd_stats (ndistinct) ON customer, paid, "when" FROM shop.orders;
ALTER STATISTICS shop.nd_stats SET STATISTICS 300;
CREATE OPERATOR FAMILY shop.fam USING hash;
ALTER OPERATOR FAMILY shop.fam USING hash ADD OPERATOR 1 = (int, int), FUNCTION 1 (int, int) hashint4(int);
CREATE FUNCTION shop.pair_eq(shop.pair, shop.pair) RETURNS bool LANGUAGE sql IMMUTABLE RETURN ($1).a = ($2).a;
CREATE OPERATOR shop.=== (LEFTARG = shop.pair, RIGHTARG = shop.pair, FUNCTION = shop.pair_eq, COMMUTATOR = OPERATOR(shop.===), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE AGGREGATE shop.middle(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE shop.moving(int) (SFUNC = int4pl, STYPE = int, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int, PARALLEL = safe, COMBINEFUNC = int4pl);
CREATE TYPE shop.shell;
CREATE TYPE shop.span_of_mood AS RANGE (subtype = shop.mood, multirange_type_name = shop.many_moods);
CREATE DOMAIN shop.moods AS shop.mood[] DEFAULT '{ok}' CONSTRAINT few CHECK (cardinality(VALUE) < 5) NOT NULL;
CREATE TABLE shop.typed_more (m shop.moods, s shop.span_of_mood, mm shop.many_moods, p shop.email DEFAULT 'a@b');
INSERT INTO shop.typed_more VALUES ('{sad,"it''s; fine"}', '[sad,ok]', '{[ok,ok]}', 'x@y');
CREATE CAST (shop.mood AS int) WITH INOUT AS IMPLICIT;
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE shop.elsewhere (id int, t text) USING other_heap WITH (fillfactor = 50, autovacuum_enabled = off, toast.autovacuum_enabled = off);
INSERT INTO shop.elsewhere SELECT g, repeat('x', g) FROM generate_series(1, 100) g;
CREATE TEXT SEARCH TEMPLATE shop.template (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE TEXT SEARCH PARSER shop.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH CONFIGURATION shop.own (PARSER = shop.parser);
CREATE FOREIGN DATA WRAPPER nothing_yet OPTIONS (a 'b');
CREATE SERVER nowhere TYPE 't' VERSION 'v' FOREIGN DATA WRAPPER nothing_yet;
GRANT USAGE ON FOREIGN SERVER nowhere TO reader;
CREATE FUNCTION shop.handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE plsql_like HANDLER shop.handler;
CREATE FUNCTION shop.other_language() RETURNS int LANGUAGE plsql_like AS $$ BEGIN RETURN 5; END $$;
CREATE FUNCTION shop.in_c(int, int) RETURNS int LANGUAGE internal STRICT IMMUTABLE PARALLEL SAFE COST 7 AS 'int4pl';
CREATE FUNCTION shop.support(internal) RETURNS internal LANGUAGE internal AS 'generate_series_int4_support';
CREATE FUNCTION shop.rows_of() RETURNS TABLE (a int, b text) LANGUAGE sql ROWS 42 LEAKPROOF SECURITY DEFINER SET work_mem = '8MB' SET search_path = shop, pg_temp AS 'SELECT 1, ''x''';
CREATE RECURSIVE VIEW shop.tree (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM tree WHERE n < 5;
CREATE VIEW shop.invoker WITH (security_invoker = true, check_option = local) AS SELECT id FROM shop.orders WHERE id > 0;
CREATE TABLE shop.grand (region text NOT NULL, y int NOT NULL, v int, PRIMARY KEY (region, y)) PARTITION BY LIST (region);
CREATE TABLE shop.grand_eu PARTITION OF shop.grand FOR VALUES IN ('eu') PARTITION BY RANGE (y);
CREATE TABLE shop.grand_eu_a PARTITION OF shop.grand_eu FOR VALUES FROM (MINVALUE) TO (2020) PARTITION BY HASH (y);
CREATE TABLE shop.grand_eu_a0 PARTITION OF shop.grand_eu_a FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE shop.grand_eu_b PARTITION OF shop.grand_eu DEFAULT;
CREATE TABLE shop.grand_rest PARTITION OF shop.grand DEFAULT;
INSERT INTO shop.grand SELECT CASE g % 3 WHEN 0 THEN 'eu' ELSE 'r' || g % 5 END, 2000 + g, g FROM generate_series(1, 60) g;
CREATE TABLE shop.refers (region text, y int, FOREIGN KEY (region, y) REFERENCES shop.grand MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL (y) NOT VALID);
CREATE FUNCTION shop.on_statement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER many_rows AFTER UPDATE ON shop.grand_rest REFERENCING OLD TABLE AS was NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION shop.on_statement();
CREATE TRIGGER on_all AFTER INSERT ON shop.grand FOR EACH ROW EXECUTE FUNCTION shop.on_statement();
ALTER TABLE shop.grand_eu_b DISABLE TRIGGER on_all;
CREATE TRIGGER instead INSTEAD OF INSERT ON shop.view_b FOR EACH ROW EXECUTE FUNCTION shop.on_statement();
ALTER TABLE shop.orders ENABLE REPLICA TRIGGER touch;
ALTER EVENT TRIGGER watch ENABLE ALWAYS;
CREATE RULE instead AS ON INSERT TO shop.tree DO INSTEAD INSERT INTO shop.no_rows VALUES (NEW.n) RETURNING a;
CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA shop WITH (publish = 'insert', publish_via_partition_root = true);
CREATE POLICY restrict_all ON shop.customers AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (true) WITH CHECK (id > 0);
ALTER TABLE shop.customers FORCE ROW LEVEL SECURITY;
CREATE COLLATION shop.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE shop.loosely (t text COLLATE shop.loose PRIMARY KEY, c text COMPRESSION lz4);
ALTER TABLE shop.loosely ALTER c SET STORAGE MAIN;
INSERT INTO shop.loosely VALUES ('Ab', repeat('y', 9000)), ('c', NULL);
CREATE SEQUENCE shop.tiny AS smallint CACHE 5 OWNED BY shop.loosely.c;
SELECT nextval('shop.tiny');
ALTER SEQUENCE shop.loose OWNER TO owner_role;
CREATE UNLOGGED SEQUENCE shop.fleet;
CREATE UNIQUE INDEX one_null ON shop.typed_more (p) NULLS NOT DISTINCT;
CREATE INDEX brinny ON shop.grand_rest USING brin (y int4_minmax_multi_ops) WITH (pages_per_range = 4);
CREATE INDEX spgisty ON shop.types USING spgist (p);
COMMENT ON AGGREGATE shop.total(int) IS 'a';
COMMENT ON CAST (shop.mood AS int) IS 'c';
COMMENT ON DOMAIN shop.moods IS 'd';
COMMENT ON EVENT TRIGGER watch IS 'e';
COMMENT ON OPERATOR shop.### (int, int) IS 'o';
COMMENT ON POLICY own ON shop.customers IS 'p';
COMMENT ON PUBLICATION pub IS 'u';
COMMENT ON RULE quiet ON shop.types IS 'r';
COMMENT ON SEQUENCE shop.tiny IS 's';
COMMENT ON STATISTICS shop.expr_stats IS 't';
COMMENT ON TEXT SEARCH CONFIGURATION shop.own IS 'x';
COMMENT ON COLUMN shop.pair.a IS 'of a type';
