SELECT CASE table_type WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' ELSE 'TABLE' END,
       table_name
FROM information_schema.tables WHERE table_schema = database()
UNION ALL
SELECT routine_type, routine_name
FROM information_schema.routines WHERE routine_schema = database()
UNION ALL
SELECT 'TRIGGER', trigger_name
FROM information_schema.triggers WHERE trigger_schema = database()
UNION ALL
SELECT 'EVENT', event_name
FROM information_schema.events WHERE event_schema = database()
