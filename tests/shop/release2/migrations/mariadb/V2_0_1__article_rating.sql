-- The average of an article's stars, kept by a trigger from now on. The column comes last, so the
-- table is not rewritten.
ALTER TABLE articles ADD COLUMN rating decimal(3,2) NULL;

UPDATE articles a
JOIN (SELECT article_id, ROUND(AVG(stars), 2) AS rating FROM reviews GROUP BY article_id) AS r
    ON r.article_id = a.id
SET a.rating = r.rating, a.changed_at = a.changed_at;

DELIMITER $$
CREATE TRIGGER reviews_rate AFTER INSERT ON reviews FOR EACH ROW
BEGIN
    UPDATE articles
    SET rating = (SELECT ROUND(AVG(stars), 2) FROM reviews WHERE article_id = NEW.article_id)
    WHERE id = NEW.article_id;
END$$
DELIMITER ;
