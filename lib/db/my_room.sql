-- What limits this session's account: {limit, used, setting}, one row each.
SELECT @@global.max_connections,
       (SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'THREADS_CONNECTED'),
       'max_connections'
UNION ALL
-- The session's is the account's own where that has one. Whoever may administer connections is bound
-- by that alone.
SELECT @@session.max_user_connections,
       (SELECT count(*) FROM information_schema.processlist WHERE user = substring_index(user(), '@', 1)),
       concat('max_user_connections of ', current_user())
FROM dual
WHERE @@session.max_user_connections > 0
  AND (@@session.max_user_connections <> @@global.max_user_connections
       OR NOT EXISTS (SELECT 1 FROM information_schema.user_privileges
                      WHERE privilege_type IN ('SUPER', 'CONNECTION ADMIN')
                        AND grantee = concat('''', substring_index(current_user(), '@', 1), '''@''',
                                             substring_index(current_user(), '@', -1), '''')))
