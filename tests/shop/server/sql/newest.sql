SELECT a.id, a.sku, a.title, a.price, b.name AS brand
FROM articles a JOIN brands b ON b.id = a.brand_id
WHERE a.status = 'active'
ORDER BY a.id DESC
LIMIT ?
