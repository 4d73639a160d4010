-- Statements that show each table and view, every value in words that both products share: what is stored in hex, FLOAT and
-- DOUBLE with all their bits, ENUM and SET by their number as well.
SET NAMES utf8mb4; SET SESSION group_concat_max_len = 1 << 20;
SELECT concat('SELECT ', quote(table_name), ', ', group_concat(
    CASE WHEN data_type IN ('float', 'double') THEN concat(c, ' * 1e0')
         WHEN data_type IN ('enum', 'set') THEN concat(c, ' + 0, hex(', c, ')')
         WHEN data_type IN ('decimal', 'tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year', 'date', 'time', 'datetime', 'timestamp') THEN c
         ELSE concat('hex(', c, ')') END ORDER BY ordinal_position SEPARATOR ', '), ' FROM `', replace(table_name, '`', '``'), '`;')
FROM (SELECT table_name, ordinal_position, data_type, concat('`', replace(column_name, '`', '``'), '`') AS c
      FROM information_schema.columns WHERE table_schema = database() AND table_name NOT IN ('broken', 'mem')) q
GROUP BY table_name;
