SELECT user, host, is_role = 'Y' FROM mysql.user
WHERE NOT (host = 'localhost' AND user IN ('mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema'))
ORDER BY is_role DESC, CAST(user AS binary), CAST(host AS binary)
