-- The shop's catalog: categories, brands, articles and reviews, as production has them before any
-- release. Applied to an empty database whose charset is utf8mb4.

CREATE TABLE categories (
    id int NOT NULL PRIMARY KEY,
    parent_id int NULL,
    slug varchar(60) CHARACTER SET ascii NOT NULL,
    name varchar(100) NOT NULL,
    sort_order smallint NOT NULL DEFAULT 0,
    UNIQUE KEY categories_slug (slug),
    CONSTRAINT categories_parent FOREIGN KEY (parent_id) REFERENCES categories (id)
) ENGINE=InnoDB;

CREATE TABLE brands (
    id int NOT NULL PRIMARY KEY,
    name varchar(100) NOT NULL,
    country char(2) CHARACTER SET ascii NULL
) ENGINE=InnoDB;

CREATE TABLE articles (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    category_id int NOT NULL,
    brand_id int NOT NULL,
    sku varchar(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ean bigint unsigned NOT NULL,
    title varchar(200) NOT NULL,
    description text NOT NULL,
    price decimal(10,2) NOT NULL,
    price_net decimal(10,2) AS (round(price / 1.19, 2)) STORED,
    cost decimal(10,2) NULL,
    weight_kg float NULL,
    popularity double NOT NULL DEFAULT 0,
    dimensions json NULL,
    tags set('new','sale','eco','gift') NOT NULL DEFAULT '',
    status enum('draft','active','retired') NOT NULL DEFAULT 'draft',
    supplier varchar(100) NULL,
    image mediumblob NULL,
    created_at datetime(6) NOT NULL,
    changed_at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
    UNIQUE KEY articles_sku (sku),
    KEY articles_in_category (category_id, status, id),
    FULLTEXT KEY articles_text (title, description),
    CONSTRAINT articles_category FOREIGN KEY (category_id) REFERENCES categories (id),
    CONSTRAINT articles_brand FOREIGN KEY (brand_id) REFERENCES brands (id)
) ENGINE=InnoDB COMMENT='what is sold; `quoted` and ''quoted''';

-- No foreign key: reviews outlive their article. The index is what /api/articles/ID/reviews reads.
CREATE TABLE reviews (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    article_id int NOT NULL,
    author varchar(100) NOT NULL,
    stars tinyint NOT NULL,
    title varchar(150) NULL,
    body text NOT NULL,
    language char(2) CHARACTER SET ascii NOT NULL,
    helpful int NOT NULL DEFAULT 0,
    verified bit(1) NOT NULL DEFAULT b'0',
    created_at datetime NOT NULL,
    KEY reviews_of_article (article_id, created_at)
) ENGINE=InnoDB;

CREATE TABLE price_history (
    article_id int NOT NULL,
    since date NOT NULL,
    price decimal(10,2) NOT NULL,
    PRIMARY KEY (article_id, since),
    CONSTRAINT price_history_article FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
) ENGINE=InnoDB;

DELIMITER //
CREATE TRIGGER articles_price_kept AFTER UPDATE ON articles FOR EACH ROW
BEGIN
    IF NEW.price <> OLD.price THEN
        INSERT INTO price_history (article_id, since, price) VALUES (NEW.id, current_date(), NEW.price)
        ON DUPLICATE KEY UPDATE price = NEW.price;
    END IF;
END //
CREATE PROCEDURE retire_article(IN retired int)
BEGIN
    UPDATE articles SET status = 'retired' WHERE id = retired;
END //
DELIMITER ;

CREATE VIEW active_articles AS
    SELECT a.id, a.sku, a.title, a.price, c.name AS category
    FROM articles a JOIN categories c ON c.id = a.category_id
    WHERE a.status = 'active';
