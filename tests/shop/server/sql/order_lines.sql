SELECT line, article_id AS article, title, quantity, price, amount
FROM order_lines WHERE order_id = $1::uuid ORDER BY line
