-- Prints the statements that fill the current database's tables: "@rows" rows each, by the columns'
-- types. IGNORE leaves out a row that a key refuses. Passes go over all tables again and again: what
-- refers to a table finds rows there in the next one.
SET SESSION group_concat_max_len = 1000000;
SELECT concat('INSERT IGNORE INTO `', c.table_name, '` (', group_concat('`', c.column_name, '`' ORDER BY c.ordinal_position), ') SELECT ',
  group_concat(
    CASE
    WHEN k.referenced_table_name IS NOT NULL
      THEN concat('(SELECT `', k.referenced_column_name, '` FROM `', k.referenced_table_name, '` ORDER BY `', k.referenced_column_name, '` LIMIT 1 OFFSET ', i.seq % 3, ')')
    WHEN c.data_type = 'enum' THEN concat(1 + i.seq % 2)
    WHEN c.data_type = 'set' THEN concat(i.seq % 2)
    WHEN c.data_type = 'bit' THEN concat(i.seq % 2)
    WHEN c.data_type = 'tinyint' THEN concat(i.seq % 127)
    WHEN c.data_type = 'smallint' THEN concat(i.seq * 37 % 30000)
    WHEN c.data_type IN ('int', 'mediumint', 'bigint') THEN concat(i.seq * 1013)
    WHEN c.data_type = 'year' THEN concat(2000 + i.seq % 50)
    WHEN c.data_type = 'decimal' THEN concat(i.seq % 7)
    WHEN c.data_type IN ('float', 'double') THEN concat(i.seq, ' / 3e0')
    WHEN c.data_type IN ('date', 'datetime', 'timestamp') THEN concat('''2001-02-03 04:05:06'' + INTERVAL ', i.seq * 1001, ' SECOND')
    WHEN c.data_type = 'time' THEN concat('''00:00:', i.seq % 60, '''')
    WHEN c.data_type IN ('binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob')
      THEN concat('left(unhex(''00FF5C0A', md5(i.seq), '''), ', least(coalesce(c.character_maximum_length, 20), 20), ')')
    WHEN c.data_type IN ('geometry', 'point') THEN concat('point(', i.seq, ', 2)')
    WHEN c.data_type = 'inet6' THEN concat('''::', i.seq, '''')
    WHEN c.data_type = 'uuid' THEN concat('''', md5(i.seq), '''')
    WHEN c.column_type = 'longtext' AND EXISTS (SELECT 1 FROM information_schema.check_constraints x WHERE x.constraint_schema = database()
         AND x.table_name = c.table_name AND x.check_clause LIKE concat('json_valid(`', c.column_name, '`)')) THEN concat('''{"i": ', i.seq, '}''')
    ELSE concat('left(concat(', CASE i.seq % 5 WHEN 0 THEN '''tab\\t, line\\n, back\\\\, ''''quote''''''' WHEN 1 THEN '''straße €''' ELSE '''''' END,
                ', ''', md5(i.seq), '''), ', least(c.character_maximum_length, 100), ')')
    END ORDER BY c.ordinal_position), ';')
  FROM information_schema.tables t
  JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
  JOIN seq_1_to_1000 i ON i.seq <= @rows
  LEFT JOIN (SELECT table_name, column_name, min(referenced_table_name) AS referenced_table_name, min(referenced_column_name) AS referenced_column_name
               FROM information_schema.key_column_usage
              WHERE table_schema = database() AND referenced_table_name IS NOT NULL GROUP BY table_name, column_name) k
    ON k.table_name = c.table_name AND k.column_name = c.column_name
 WHERE t.table_schema = database() AND t.table_type = 'BASE TABLE' AND c.extra NOT LIKE '%auto_increment%' AND c.extra NOT LIKE '%GENERATED%'
   AND c.extra NOT LIKE '%INVISIBLE%'
 GROUP BY c.table_name, i.seq
 ORDER BY i.seq, c.table_name;
