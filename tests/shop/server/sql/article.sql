SELECT a.id, a.sku, a.title, a.description, a.price, b.name AS brand, c.slug AS category,
       c.name AS category_name, a.tags, a.dimensions, a.weight_kg,
       a.image IS NOT NULL AS has_image, a.created_at
FROM articles a
JOIN brands b ON b.id = a.brand_id
JOIN categories c ON c.id = a.category_id
WHERE a.id = ? AND a.status = 'active'
