SELECT table_name, column_name, data_type, column_type, character_set_name, extra,
       coalesce(%s, '')
FROM information_schema.columns
WHERE table_schema = database()
ORDER BY table_name, ordinal_position
