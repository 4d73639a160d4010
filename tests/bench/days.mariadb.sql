-- What a day changes in the catalog's rows: 1.5 % of each table, anywhere in it; new rows come from
-- shop-generate --day. Variable: @day.
UPDATE articles SET popularity = popularity + crc32(id) / 4294967296, status = 'active'
    WHERE crc32(concat(id, '/', @day)) % 200 < 3;
UPDATE price_history SET price = price * 1.05
    WHERE crc32(concat(article_id, '/', since, '/', @day)) % 200 < 3;
UPDATE reviews SET helpful = helpful + 1 + crc32(id) % 5
    WHERE crc32(concat(id, '/', @day)) % 200 < 3;
