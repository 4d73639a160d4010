SELECT a.id AS article, a.title, cart.quantity, a.price, a.price * cart.quantity AS amount
FROM JSON_TABLE(?, '$[*]' COLUMNS (article INT PATH '$.article', quantity INT PATH '$.quantity'))
     AS cart
JOIN articles a ON a.id = cart.article
WHERE a.status = 'active'
ORDER BY a.id
