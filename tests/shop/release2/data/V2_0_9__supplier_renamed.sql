-- Nordwind Handel became a limited company in March; the order forms must carry the new name.
UPDATE articles
SET supplier = 'Nordwind Handel GmbH'
WHERE supplier = 'Nordwind Handel';
