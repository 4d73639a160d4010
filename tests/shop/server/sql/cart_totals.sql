WITH goods AS (
    SELECT coalesce(sum(l.price * l.quantity), 0) AS subtotal
    FROM jsonb_to_recordset($1::jsonb) AS l (price numeric(12, 2), quantity integer)
)
SELECT g.subtotal::numeric(12, 2) AS subtotal,
       s.cost::numeric(12, 2) AS shipping,
       round((g.subtotal + s.cost) * t.rate, 2)::numeric(12, 2) AS tax,
       (g.subtotal + s.cost + round((g.subtotal + s.cost) * t.rate, 2))::numeric(12, 2) AS total
FROM goods g
CROSS JOIN LATERAL (
    SELECT CASE WHEN g.subtotal >= r.free_from THEN 0 ELSE r.price END AS cost
    FROM shipping_rates r WHERE r.country = $2 AND r.method = 'standard'
) s
JOIN tax_rates t ON t.country = $2
