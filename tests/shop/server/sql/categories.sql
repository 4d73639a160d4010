SELECT c.slug, c.name, (SELECT COUNT(*) FROM articles a
                        WHERE a.category_id = c.id AND a.status = 'active') AS articles
FROM categories c
WHERE c.parent_id IS NOT NULL
ORDER BY c.sort_order, c.id
