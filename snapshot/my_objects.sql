SELECT 'VIEW' AS kind, table_name AS name, NULL AS status, 1 AS place, '' AS owner, '' AS timing,
       '' AS event, 0 AS nth, definer
FROM information_schema.views WHERE table_schema = database()
UNION ALL
SELECT routine_type, routine_name, NULL, 2, routine_type, '', '', 0, definer
FROM information_schema.routines WHERE routine_schema = database()
UNION ALL
SELECT 'TRIGGER', trigger_name, NULL, 3, event_object_table, action_timing, event_manipulation,
       action_order, definer
FROM information_schema.triggers WHERE trigger_schema = database()
UNION ALL
SELECT 'EVENT', event_name, status, 4, '', '', '', 0, definer
FROM information_schema.events WHERE event_schema = database()
ORDER BY place, owner, timing, event, nth, name
