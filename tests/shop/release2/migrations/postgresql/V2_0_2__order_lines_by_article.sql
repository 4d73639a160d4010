-- For the question "who bought this"; built without stopping orders.
CREATE INDEX CONCURRENTLY order_lines_of_article ON order_lines (article_id);
