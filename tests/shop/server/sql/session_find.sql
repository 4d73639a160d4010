SELECT s.id, s.customer_id, c.name, c.address ->> 'country' AS country
FROM sessions s LEFT JOIN customers c ON c.id = s.customer_id
WHERE s.id = encode(sha256(convert_to($1, 'UTF8')), 'hex')
