SELECT id, name, password_hash FROM customers WHERE lower(email) = lower($1)
