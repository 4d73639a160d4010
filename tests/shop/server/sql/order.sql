SELECT o.id::text AS id, o.status::text AS status, o.country, o.payment::text AS payment,
       o.subtotal, o.shipping, o.tax, o.total, o.address,
       to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS placed_at
FROM orders o
WHERE o.id = $1::uuid AND o.customer_id = $2::integer
