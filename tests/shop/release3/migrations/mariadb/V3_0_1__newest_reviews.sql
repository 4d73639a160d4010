-- The hotline's list of the newest reviews needs an index by time. To keep inserts quick, the index
-- that nobody uses any more goes.
ALTER TABLE reviews ADD INDEX reviews_by_time (created_at, id);
ALTER TABLE reviews DROP INDEX reviews_of_article;
