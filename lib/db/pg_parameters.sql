SELECT pg_catalog.format('GRANT %s ON PARAMETER %I TO %s%s', a.privilege_type, p.parname,
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_catalog.pg_parameter_acl p CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) a
-- 10 is the role that a server is made with, which may do all.
 WHERE a.grantee <> 10
 ORDER BY 1
