SELECT privilege_type FROM information_schema.user_privileges
WHERE grantee IN (@me, @my_role)
UNION
SELECT privilege_type FROM information_schema.schema_privileges
WHERE grantee IN (@me, @my_role) AND database() LIKE table_schema
