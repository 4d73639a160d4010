SELECT (SELECT sum(balance) FROM purses) = 10000000,
       (SELECT count(*) FROM parents p WHERE children <> (SELECT count(*) FROM children c WHERE c.parent = p.id)) = 0,
       (SELECT count(*) FROM children c WHERE NOT EXISTS (SELECT FROM parents p WHERE p.id = c.parent)) = 0,
       (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history),
       (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(delta) FROM pgbench_history),
       (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history),
       (SELECT count(*) > 0 FROM pgbench_history),
       coalesce((SELECT max(id) FROM children) <= (SELECT last_value FROM children_id_seq), true);
