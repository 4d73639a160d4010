SELECT (SELECT sum(balance) FROM purses) = 20000000,
       (SELECT count(*) FROM parents p WHERE children <> (SELECT count(*) FROM children c WHERE c.parent = p.id)) = 0,
       (SELECT count(*) FROM children c WHERE NOT EXISTS (SELECT 1 FROM parents p WHERE p.id = c.parent)) = 0,
       (SELECT count(*) FROM moves) = (SELECT n FROM moved),
       (SELECT coalesce(sum(amount), 0) FROM moves) = (SELECT sum FROM moved),
       (SELECT n > 0 FROM moved);
