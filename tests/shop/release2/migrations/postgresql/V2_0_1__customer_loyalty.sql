-- Loyalty points: one per full ten euros of delivered orders.
SET lock_timeout = '5s';

ALTER TABLE customers ADD COLUMN loyalty_points integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN customers.loyalty_points IS 'one per full ten euros of delivered orders; never negative';
ALTER TABLE customers ADD CONSTRAINT loyalty_not_negative CHECK (loyalty_points >= 0) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT loyalty_not_negative;

UPDATE customers c
SET loyalty_points = earned.points
FROM (
    SELECT customer_id, floor(sum(total) / 10)::integer AS points
    FROM orders
    WHERE status = 'delivered'
    GROUP BY customer_id
) AS earned
WHERE earned.customer_id = c.id;
