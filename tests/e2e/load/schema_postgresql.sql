-- Beside pgbench's own tables: purses whose sum never changes, parents that count their children.
CREATE TABLE purses (id int PRIMARY KEY, balance bigint NOT NULL, pad text NOT NULL);
INSERT INTO purses SELECT g, 1000, repeat(md5(g::text), 8) FROM generate_series(1, 10000) g;
CREATE TABLE parents (id int PRIMARY KEY, children int NOT NULL DEFAULT 0);
INSERT INTO parents (id) SELECT generate_series(1, 500);
CREATE TABLE children (id bigserial PRIMARY KEY, parent int NOT NULL REFERENCES parents, pad text NOT NULL DEFAULT repeat('c', 100));
CREATE INDEX ON children (parent);
