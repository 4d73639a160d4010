SELECT COLUMN_NAME,
       CASE WHEN DATA_TYPE IN ('date', 'datetime', 'timestamp') THEN 'time'
            WHEN DATA_TYPE IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'float',
                               'double', 'time', 'year') THEN 'plain'
            WHEN DATA_TYPE = 'bit' THEN 'bit'
            WHEN DATA_TYPE IN ('char', 'varchar', 'tinytext', 'text', 'enum', 'set', 'binary',
                               'varbinary', 'tinyblob', 'blob') THEN 'text'
            ELSE 'big' END
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME =
