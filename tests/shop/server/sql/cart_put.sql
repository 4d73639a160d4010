INSERT INTO carts (session_id, article_id, quantity)
VALUES ($1, $2::integer, $3::integer)
ON CONFLICT (session_id, article_id)
DO UPDATE SET quantity = least(99, carts.quantity + excluded.quantity)
