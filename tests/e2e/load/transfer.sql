\set from_id random(1, 10000)
\set to_id random(1, 10000)
\set amount random(1, 100)
BEGIN;
UPDATE purses SET balance = balance - :amount WHERE id = :from_id;
UPDATE purses SET balance = balance + :amount WHERE id = :to_id;
END;
