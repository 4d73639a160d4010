-- One statement, so the order, its lines and the emptied cart are one transaction.
WITH placed AS (
    INSERT INTO orders (customer_id, country, address, payment, subtotal, shipping, tax, total)
    SELECT $1::integer, $2, c.address, $3::payment_method, (m ->> 'subtotal')::numeric,
           (m ->> 'shipping')::numeric, (m ->> 'tax')::numeric, (m ->> 'total')::numeric
    FROM customers c, (SELECT $4::jsonb) AS money (m)
    WHERE c.id = $1::integer
    RETURNING id, status, total
), lines AS (
    INSERT INTO order_lines (order_id, line, article_id, title, quantity, price)
    SELECT placed.id, row_number() OVER (ORDER BY l.article), l.article, l.title, l.quantity, l.price
    FROM placed, jsonb_to_recordset($5::jsonb)
         AS l (article integer, title text, quantity integer, price numeric(12, 2))
), emptied AS (
    DELETE FROM carts WHERE session_id = $6
)
SELECT id::text AS id, status::text AS status, total FROM placed
