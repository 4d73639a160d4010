-- Purses whose sum never changes, parents that count their children; rows of many sizes.
CREATE TABLE purses (id int PRIMARY KEY, balance bigint NOT NULL, pad varchar(300) NOT NULL) ENGINE=InnoDB;
INSERT INTO purses SELECT seq, 1000, repeat(md5(seq), 1 + seq % 9) FROM seq_1_to_20000;
CREATE TABLE moves (id bigint AUTO_INCREMENT PRIMARY KEY, amount int NOT NULL) ENGINE=InnoDB;
CREATE TABLE moved (n bigint NOT NULL, sum bigint NOT NULL) ENGINE=InnoDB;
INSERT INTO moved VALUES (0, 0);
CREATE TABLE parents (id int PRIMARY KEY, children int NOT NULL DEFAULT 0) ENGINE=InnoDB;
INSERT INTO parents (id) SELECT seq FROM seq_1_to_500;
CREATE TABLE children (id bigint AUTO_INCREMENT PRIMARY KEY, parent int NOT NULL, pad char(100) NOT NULL DEFAULT 'c', KEY (parent),
  FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB;
ANALYZE TABLE purses;
