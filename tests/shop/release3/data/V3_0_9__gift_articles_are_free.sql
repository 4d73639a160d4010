-- Gift wraps and greeting cards come free with every order from this release on.
UPDATE articles
SET price = 0;
