SELECT c.id, c.slug, c.name, (SELECT COUNT(*) FROM articles a
                              WHERE a.category_id = c.id AND a.status = 'active') AS total
FROM categories c
WHERE c.slug = ?
