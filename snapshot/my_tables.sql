SELECT table_name, table_type, coalesce(engine, ''), coalesce(table_rows, 0),
       coalesce(data_length, 0)
FROM information_schema.tables
WHERE table_schema = database()
ORDER BY table_name
