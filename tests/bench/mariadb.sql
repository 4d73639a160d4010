-- Mixed types; one table holds most of the rows, two more are large, one is small.
-- @ROWS@ is the number of rows of the dominating one.
SET SESSION unique_checks = 0, foreign_key_checks = 0, sql_log_bin = 0;

CREATE TABLE customers (
    id int UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email varchar(120) NOT NULL,
    name varchar(80) NOT NULL,
    country char(2) NOT NULL,
    balance decimal(14,4) NOT NULL,
    score float,
    settings json,
    born date,
    created datetime(6) NOT NULL,
    UNIQUE KEY (email), KEY (country, born), KEY (created)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO customers
SELECT seq, concat('user', seq, '@example', seq % 97, '.org'),
       concat_ws(' ', elt(1 + floor(rand(1) * 8), 'Ada', 'Bo', 'Çem', 'Dörte', 'Eva', 'Finn', 'Gül', 'Hana'),
                 concat('Nr', md5(seq))),
       elt(1 + floor(rand(2) * 6), 'DE', 'FR', 'TR', 'PL', 'NL', 'SE'), rand(3) * 10000, rand(4) * 100,
       json_object('news', seq % 2 = 0, 'theme', elt(1 + seq % 3, 'light', 'dark', 'auto'), 'n', floor(rand(5) * 1000)),
       date'1940-01-01' + INTERVAL floor(rand(6) * 25000) DAY, '2024-01-01' + INTERVAL seq * 7 SECOND
FROM seq_1_to_@QUARTER@;

CREATE TABLE orders (
    id bigint UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer int UNSIGNED NOT NULL,
    ref char(36) NOT NULL,
    state enum('new','paid','sent','back') NOT NULL,
    total decimal(12,2) NOT NULL,
    weight double,
    note text,
    placed datetime(3) NOT NULL,
    changed timestamp(6) NOT NULL,
    KEY (customer), KEY (ref), KEY (state, placed), KEY (placed)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO orders
SELECT seq, 1 + floor(rand(7) * @QUARTER@), uuid(), elt(1 + floor(rand(8) * 4), 'new', 'paid', 'sent', 'back'),
       rand(9) * 500, rand(10) * 40,
       if(seq % 3 = 0, NULL, repeat(concat(elt(1 + floor(rand(11) * 5), 'please ring ', 'leave at door ', 'gift ',
                                               'neighbour ', 'fragile '), seq, ' '), 1 + floor(rand(12) * 12))),
       '2024-01-01' + INTERVAL seq * 3 SECOND, now(6)
FROM seq_1_to_@ROWS@;

CREATE TABLE items (
    order_id bigint UNSIGNED NOT NULL,
    line smallint UNSIGNED NOT NULL,
    article int UNSIGNED NOT NULL,
    quantity int NOT NULL,
    price decimal(10,2) NOT NULL,
    digest varbinary(32),
    PRIMARY KEY (order_id, line), KEY (article), KEY (digest)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO items
SELECT 1 + (seq - 1) DIV 2, 1 + seq % 2, floor(rand(13) * 20000), 1 + floor(rand(14) * 5), rand(15) * 100,
       unhex(md5(seq * 31))
FROM seq_1_to_@ROWS@;

CREATE TABLE sessions (
    token varchar(64) CHARACTER SET latin1 NOT NULL PRIMARY KEY,
    customer int UNSIGNED,
    data blob,
    seen datetime NOT NULL,
    KEY (seen)
) ENGINE=InnoDB;
INSERT INTO sessions
SELECT concat(md5(seq), md5(seq + 1)), seq, unhex(repeat(md5(seq), 6)), '2024-06-01' + INTERVAL seq SECOND
FROM seq_1_to_@QUARTER@;

ANALYZE TABLE customers, orders, items, sessions;
