SELECT article_id AS article, quantity FROM carts WHERE session_id = $1 ORDER BY article_id
