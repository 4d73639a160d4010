CREATE TABLE `ord` (
  `id` int(11) NOT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `kc` (`c`),
  KEY `fk``2` (`d`),
  CONSTRAINT `fk_c` FOREIGN KEY (`c`) REFERENCES `cust` (`id`) ON DELETE CASCADE ON UPDATE SET NULL,
  CONSTRAINT `fk``2` FOREIGN KEY (`d`) REFERENCES `ord` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_swedish_ci
