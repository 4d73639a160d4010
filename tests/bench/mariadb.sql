-- The shop of postgresql.sql for MariaDB: text, numeric, timestamps, JSON, UUID, bytes. One table holds
-- more than half of the bytes, three more are large; each has three to five indexes. Values are skewed,
-- depend on each other and near ones are alike, as in real data; texts are sentences of a small grammar.
-- UUIDs and session tokens are random: nobody can make them smaller.
-- @ROWS@ is the number of rows of the dominating table, @QUARTER@ a fourth of it; the words in capitals
-- between @ are expressions for a word or a clause (tests/bench/mariadb.sh).
SET SESSION foreign_key_checks = 0, sql_log_bin = 0, rand_seed1 = 5, rand_seed2 = 7;

CREATE TABLE customers (
    id int UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email varchar(120) NOT NULL,
    name varchar(80) NOT NULL,
    street varchar(120) NOT NULL,
    country char(2) NOT NULL,
    language varchar(8) NOT NULL,
    grouped smallint NOT NULL,
    newsletter tinyint(1) NOT NULL,
    tax_number varchar(40),
    deleted datetime,
    balance decimal(14,4) NOT NULL,
    score float,
    settings json,
    about text,
    born date,
    created datetime(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO customers
SELECT seq, concat('user', seq, '@example', seq % 97, '.org'),
       concat(elt(1 + floor(rand() * 14), 'Ada', 'Bo', 'Çem', 'Dörte', 'Eva', 'Finn', 'Gül', 'Hana', 'Ivo', 'Jana', 'Kai', 'Lea', 'Mats', 'Noor'), ' ',
              elt(1 + floor(rand() * 12), 'Meyer', 'Smit', 'Yılmaz', 'Nowak', 'Larsen', 'Dubois', 'Rossi', 'Novák', 'Kaya', 'Berg', 'Costa', 'Lind')),
       concat(@ADJECTIVE@, ' ', @NOUN@, ' ', 1 + floor(rand() * 200)),
       elt(1 + floor(rand() * 6), 'DE', 'FR', 'TR', 'PL', 'NL', 'SE'), 'de_DE', 1 + floor(pow(rand(), 4) * 4), rand() < 0.3,
       if(rand() < 0.05, concat('DE', floor(rand() * 1e9)), NULL), if(rand() < 0.01, now(), NULL),
       if(seq % 3 = 0, round(rand() * 900 - 200, 2), 0), rand() * 100,
       json_object('news', seq % 2 = 0, 'theme', elt(1 + seq % 3, 'light', 'dark', 'auto'), 'visits', floor(rand() * 1000),
                   'lists', json_array(@NOUN@, @NOUN@), 'locale', json_object('lang', 'de', 'zone', 'Europe/Berlin')),
       if(seq % 4 = 0, concat(@CLAUSE@, '. ', @CLAUSE@, ' ', @ADVERB@, '.'), NULL),
       date'1940-01-01' + INTERVAL floor(rand() * 25000) DAY, '2024-01-01' + INTERVAL seq * 7.013 SECOND
FROM seq_1_to_@QUARTER@;
ALTER TABLE customers ADD UNIQUE KEY (email), ADD KEY (country, born), ADD KEY (created);

CREATE TABLE orders (
    id bigint UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer int UNSIGNED NOT NULL,
    ref char(36) CHARACTER SET ascii NOT NULL,
    state enum('new','paid','sent','back','done') NOT NULL,
    shop smallint NOT NULL,
    channel varchar(20) NOT NULL,
    currency char(3) NOT NULL,
    paid_by varchar(20) NOT NULL,
    shipping decimal(8,2) NOT NULL,
    discount decimal(8,2) NOT NULL,
    tax decimal(5,2) NOT NULL,
    guest tinyint(1) NOT NULL,
    locked tinyint(1) NOT NULL,
    coupon varchar(20),
    cancelled datetime,
    total decimal(12,2) NOT NULL,
    weight double,
    address varchar(200) NOT NULL,
    note text,
    extra json,
    placed datetime(3) NOT NULL,
    changed timestamp(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO orders
SELECT seq, 1 + floor(@QUARTER@ * pow(rand(), 2)),
       lower(concat_ws('-', hex(random_bytes(4)), hex(random_bytes(2)), hex(random_bytes(2)), hex(random_bytes(2)), hex(random_bytes(6)))),
       elt(1 + floor(rand() * 8), 'new', 'paid', 'sent', 'back', 'done', 'done', 'done', 'done'), 1 + floor(pow(rand(), 3) * 5),
       elt(1 + floor(rand() * 5), 'web', 'web', 'web', 'phone', 'market'), if(rand() < 0.95, 'EUR', 'TRY'),
       elt(1 + floor(rand() * 3), 'card', 'paypal', 'invoice'), elt(1 + floor(rand() * 4), 0.00, 4.90, 4.90, 9.90),
       if(rand() < 0.1, floor(rand() * 20), 0), if(rand() < 0.9, 19, 7), rand() < 0.2, 0,
       if(rand() < 0.05, concat('SPRING', floor(rand() * 100)), NULL),
       if(rand() < 0.02, '2024-01-02' + INTERVAL seq * 3 SECOND, NULL),
       floor(400 * pow(rand(), 2)) + elt(1 + floor(rand() * 5), 0.00, 0.49, 0.90, 0.95, 0.99), round(40 * pow(rand(), 3), 1),
       concat(@NOUN@, ' Street ', 1 + floor(rand() * 200), ', ', 10000 + 500 * floor(rand() * 160), ' ',
              elt(1 + floor(rand() * 8), 'Berlin', 'Hamburg', 'Ankara', 'Lyon', 'Gdańsk', 'Utrecht', 'Malmö', 'İzmir')),
       CASE floor(rand() * 6) WHEN 0 THEN concat(@CLAUSE@, ' ', @ADVERB@, '. ', @CLAUSE@, '.')
            WHEN 1 THEN 'Please leave it at the door, the bell is broken.' WHEN 2 THEN 'Call before delivery.' END,
       json_object('lane', seq % 7, 'carrier', elt(1 + floor(rand() * 4), 'dhl', 'ups', 'gls', 'post'), 'gift', rand() < 0.1,
                   'client', json_object('app', elt(1 + floor(rand() * 3), 'web', 'ios', 'android'),
                                         'version', concat('4.', floor(rand() * 12), '.0'), 'locale', 'de-DE')),
       '2024-01-01' + INTERVAL seq * 3 + round(rand() * 3) SECOND + INTERVAL floor(rand() * 1000) * 1000 MICROSECOND,
       '2024-01-01' + INTERVAL seq * 3 + floor(pow(rand(), 3) * 200) * 3600 SECOND
FROM seq_1_to_@ROWS@;
ALTER TABLE orders ADD KEY (customer), ADD KEY (ref), ADD KEY (state, placed), ADD KEY (placed);

CREATE TABLE articles (
    id int UNSIGNED NOT NULL PRIMARY KEY,
    label varchar(120) NOT NULL,
    price decimal(10,2) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO articles
SELECT seq, concat(@ADJECTIVE@, ' ', @ADJECTIVE@, ' ', @NOUN@), floor(300 * pow(rand(), 3)) + 0.99 FROM seq_0_to_19999;

CREATE TABLE items (
    order_id bigint UNSIGNED NOT NULL,
    line smallint UNSIGNED NOT NULL,
    article int UNSIGNED NOT NULL,
    quantity int NOT NULL,
    price decimal(10,2) NOT NULL,
    discount decimal(8,2) NOT NULL,
    tax decimal(5,2) NOT NULL,
    warehouse smallint NOT NULL,
    returned tinyint(1) NOT NULL,
    state enum('open','picked','sent') NOT NULL,
    label varchar(120) NOT NULL,
    PRIMARY KEY (order_id, line)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
-- The limit keeps the server from drawing an article anew for each row it looks at.
INSERT INTO items
SELECT STRAIGHT_JOIN 1 + (n - 1) DIV 2, 1 + n % 2, a.id, 1 + floor(5 * pow(rand(), 3)), a.price, 0, if(a.id % 10 = 0, 7, 19),
       1 + floor(pow(rand(), 2) * 4), rand() < 0.05, elt(1 + floor(rand() * 6), 'open', 'picked', 'sent', 'sent', 'sent', 'sent'), a.label
FROM (SELECT seq AS n, floor(20000 * pow(rand(), 4)) AS article FROM seq_1_to_@ROWS@ LIMIT 18446744073709551615) drawn
JOIN articles a ON a.id = article;
ALTER TABLE items ADD KEY (article), ADD KEY (price), ADD KEY (warehouse, state),
    ADD FOREIGN KEY (order_id) REFERENCES orders (id), ADD FOREIGN KEY (article) REFERENCES articles (id);

CREATE TABLE sessions (
    token char(32) CHARACTER SET latin1 NOT NULL PRIMARY KEY,
    customer int UNSIGNED,
    data blob,
    seen datetime(3) NOT NULL
) ENGINE=InnoDB;
INSERT INTO sessions
SELECT lower(hex(random_bytes(16))), 1 + floor(@QUARTER@ * pow(rand(), 2)),
       concat('a:3:{s:4:"user";i:', seq, ';s:4:"cart";a:2:{i:0;s:9:"', @NOUN@, '";i:1;i:', floor(20000 * pow(rand(), 4)),
              ';}s:4:"last";s:6:"', @VERB@, '";}'),
       '2024-06-01' + INTERVAL seq * 11 + floor(rand() * 10) SECOND + INTERVAL floor(rand() * 1000) * 1000 MICROSECOND
FROM seq_1_to_@QUARTER@ ORDER BY 1;
ALTER TABLE sessions ADD KEY (customer, seen), ADD KEY (seen);

ANALYZE TABLE customers, orders, articles, items, sessions;
