-- One object of every kind that MySQL 5.6 has and that loses something somewhere.
SET NAMES utf8mb4;
SET sql_mode='';
CREATE TABLE seq (n int PRIMARY KEY);
INSERT INTO seq VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10);
INSERT INTO seq SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n - 1110 FROM seq a, seq b, seq c, seq d WHERE a.n + 10 * b.n + 100 * c.n + 1000 * d.n - 1110 > 10;
CREATE TABLE types (
 id bigint unsigned NOT NULL AUTO_INCREMENT,
 ti tinyint, tu tinyint unsigned, si smallint, mi mediumint, i int, bi bigint, bu bigint unsigned, bo bool,
 de decimal(65,30), de2 decimal(10,0) unsigned zerofill, fl float, fl2 float(7,2), fu float unsigned, db double, db2 double(20,3),
 b1 bit(1), b64 bit(64), b13 bit(13),
 d date, dt datetime, dt6 datetime(6), ts timestamp NOT NULL DEFAULT '0000-00-00 00:00:00', ts6 timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6), tm time, tm3 time(3), y year,
 c char(10) DEFAULT 'it''s \\', vc varchar(200), cb char(5) CHARACTER SET binary, bn binary(8), vb varbinary(300),
 tt tinytext, tx text, mt mediumtext, lt longtext, tb tinyblob, bl blob, mb mediumblob, lb longblob,
 en enum('a','b','ü','it''s','x,y'), en2 enum('','p','3','1'), en1 enum('ä','ö') CHARACTER SET latin1, enu enum('ж','я') CHARACTER SET ucs2, st set('r','g','b'), st2 set('','q','z'),
 g geometry, p point, ls linestring, pg polygon, mpt multipoint, mls multilinestring, mpg multipolygon, gc geometrycollection,
 def int DEFAULT 7, dbin varbinary(4) DEFAULT x'00FF41', dbit bit(9) DEFAULT b'100000001', ddec decimal(5,2) DEFAULT 1.5, df double DEFAULT 1e100, dti datetime(3) DEFAULT '2001-02-03 04:05:06.789',
 `we``ird % col\n"x"` int COMMENT 'has ''quotes'', (parens), \n and %d',
 PRIMARY KEY (id), KEY k_i (i), UNIQUE KEY k_u (bi, vc(150)), KEY k_pre (tx(20), vc(10)) COMMENT 'of ''both''', KEY k_hash (si) USING HASH,
 FULLTEXT KEY ft1 (vc), FULLTEXT KEY ft2 (tx, mt)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='AUTO_INCREMENT=99 trap, (';
INSERT INTO types (id) VALUES (1);
INSERT INTO types (ti,tu,si,mi,i,bi,bu,bo,de,de2,fl,fl2,fu,db,db2,b1,b64,b13,d,dt,dt6,ts,ts6,tm,tm3,y,c,vc,cb,bn,vb,tt,tx,mt,lt,tb,bl,mb,lb,en,en2,en1,enu,st,st2,g,p,ls,pg,mpt,mls,mpg,gc,def,dbin,`we``ird % col\n"x"`) VALUES
(-128,255,-32768,8388607,-2147483648,-9223372036854775808,18446744073709551615,1,'12345678901234567890123456789012345.123456789012345678901234567890','0000000042',0.1,12345.67,3.4e38,2.2250738585072014e-308,12345678901234567.125,b'1',0xFFFFFFFFFFFFFFFF,b'1010101010101','0000-00-00','0000-00-00 00:00:00','9999-12-31 23:59:59.999999','2020-01-01 00:00:01','2038-01-19 03:14:07.999999','-838:59:59','838:59:59.000',1901,'x  ',concat('tab\tnl\ncr\rnul',char(0),'bs\\ q''dq"Z',char(26)),'b\0  ',x'00010A0D5C09FFFE',x'0A0D5C0900','\\N','\\N\n','t''','a\\','\0\n',x'FF00',x'5C4E','','x,y','','ä','я','r,b','',GeomFromText('POINT(1.5 2.5)',4326),POINT(1,2),LineString(Point(0,0),Point(1,1)),GeomFromText('POLYGON((0 0,0 1,1 1,0 0))'),GeomFromText('MULTIPOINT(0 0,1 1)'),GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))'),GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))'),GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1e-300 1e300))'),0,'',-1),
(127,0,0,0,0,0,0,0,-0.000000000000000000000000000001,0,-0.0,-0.01,1.17549e-38,-0.0,-0.001,b'0',0,0,'2021-02-31','2020-01-01','1000-01-01 00:00:00.000001','1970-01-01 00:00:01','1970-01-01 00:00:01.000001','00:00:00','-00:00:00.001',0,'','','','','','','','','','','','','','a','zz','zz','zz','','zz',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL),
(99,1,1,1,1,1,1,1,1,1,16777217,1,0.3333333333,0.1,1,1,1,1,'2020-00-00','2020-02-30 10:00:00',now(6),now(),now(6),'10:00','10:00:00.123',2155,'ß','ẞß😀','a','a','a','a',repeat('lang ',10000),'a','a','a','a','a','a','it''s','3','ö','ж','r,g,b','',POINT(0,0),NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,'\xC3\xA4',5);
INSERT INTO types (i, vc, fl, db, bi) SELECT n, concat('row ',n), rand(n)*1e10, rand(n)/3*pow(10, cast(n % 300 as signed) - 150), n*1000 FROM seq WHERE n BETWEEN 2 AND 3000;
UPDATE types SET ts6 = '2024-02-29 12:34:56.789012';
-- Every character set, each with what only it has.
CREATE TABLE charsets (id int PRIMARY KEY,
 big5 varchar(20) CHARACTER SET big5, dec8 varchar(20) CHARACTER SET dec8, cp850 varchar(20) CHARACTER SET cp850, hp8 varchar(20) CHARACTER SET hp8, koi8r varchar(20) CHARACTER SET koi8r, latin1 varchar(20) CHARACTER SET latin1 COLLATE latin1_german2_ci, latin2 text CHARACTER SET latin2, swe7 varchar(20) CHARACTER SET swe7, ascii varchar(20) CHARACTER SET ascii COLLATE ascii_bin, ujis varchar(20) CHARACTER SET ujis, sjis char(20) CHARACTER SET sjis, hebrew varchar(20) CHARACTER SET hebrew, tis620 varchar(20) CHARACTER SET tis620, euckr varchar(20) CHARACTER SET euckr, koi8u varchar(20) CHARACTER SET koi8u, gb2312 varchar(20) CHARACTER SET gb2312, greek varchar(20) CHARACTER SET greek, cp1250 varchar(20) CHARACTER SET cp1250, gbk mediumtext CHARACTER SET gbk, latin5 varchar(20) CHARACTER SET latin5, armscii8 varchar(20) CHARACTER SET armscii8, utf8 varchar(20) CHARACTER SET utf8 COLLATE utf8_turkish_ci, ucs2 varchar(20) CHARACTER SET ucs2, cp866 varchar(20) CHARACTER SET cp866, keybcs2 varchar(20) CHARACTER SET keybcs2, macce varchar(20) CHARACTER SET macce, macroman varchar(20) CHARACTER SET macroman, cp852 varchar(20) CHARACTER SET cp852, latin7 varchar(20) CHARACTER SET latin7, utf8mb4 varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci, cp1251 varchar(20) CHARACTER SET cp1251, utf16 varchar(20) CHARACTER SET utf16, utf16le varchar(20) CHARACTER SET utf16le, cp1256 varchar(20) CHARACTER SET cp1256, cp1257 varchar(20) CHARACTER SET cp1257, utf32 varchar(20) CHARACTER SET utf32, bytes varchar(20) CHARACTER SET binary, geostd8 varchar(20) CHARACTER SET geostd8, cp932 varchar(20) CHARACTER SET cp932, eucjpms varchar(20) CHARACTER SET eucjpms
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO charsets VALUES (1,'中文','é','é','é','жя','ÄßŸ€','őš','ÅÄÖ','~','日本','ソ表能','שלום','ไทย','한국','ґє','中文','αβγ','žš€','中文','ğış','Հայ','ığİ','жя','жя','žš','žš','é√','žš','ąčę','😀ß','жя','😀','😀','پچ','ąčę','😀',x'00FF','ა','ソ①','日①');
CREATE TABLE nopk (a int, b varchar(20), KEY (a)) ENGINE=InnoDB;
INSERT INTO nopk VALUES (1,'x'),(1,'x'),(NULL,NULL);
CREATE TABLE nopk_unique (a int NOT NULL, b int, UNIQUE KEY u (a), UNIQUE KEY v (b)) ENGINE=InnoDB;
INSERT INTO nopk_unique VALUES (1,NULL),(2,NULL),(3,1);
CREATE TABLE auto_second (a int NOT NULL, n int NOT NULL AUTO_INCREMENT, v int, PRIMARY KEY (a), KEY nk (n), KEY vk (v)) ENGINE=InnoDB AUTO_INCREMENT=500;
INSERT INTO auto_second (a,v) VALUES (1,1),(2,2);
CREATE TABLE zero_auto (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, v int) ENGINE=InnoDB; SET sql_mode='NO_AUTO_VALUE_ON_ZERO'; INSERT INTO zero_auto VALUES (0,1),(-5,2),(7,3); SET sql_mode='';
CREATE TABLE mi (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, t text, FULLTEXT KEY (t), KEY (t(5))) ENGINE=MyISAM; INSERT INTO mi (t) SELECT concat('word ',n) FROM seq WHERE n <= 500;
CREATE TABLE mi_group (g char(3) NOT NULL, id int NOT NULL AUTO_INCREMENT, PRIMARY KEY (g, id)) ENGINE=MyISAM ROW_FORMAT=FIXED PACK_KEYS=1 CHECKSUM=1 DELAY_KEY_WRITE=1; INSERT INTO mi_group (g) VALUES ('a'),('a'),('b');
CREATE TABLE mem (id int PRIMARY KEY, v varchar(10), KEY (v) USING BTREE) ENGINE=MEMORY; INSERT INTO mem VALUES (1,'m');
CREATE TABLE cs (id int NOT NULL, v varchar(10) NOT NULL) ENGINE=CSV; INSERT INTO cs VALUES (1,'a,"b'),(2,'x');
CREATE TABLE bh (id int PRIMARY KEY) ENGINE=BLACKHOLE;
CREATE TABLE mg (id int NOT NULL, t text, KEY(id)) ENGINE=MRG_MyISAM UNION=();
CREATE TABLE sp (id int PRIMARY KEY, g geometry NOT NULL, p point NOT NULL, SPATIAL KEY sg (g), SPATIAL KEY spp (p)) ENGINE=MyISAM; INSERT INTO sp VALUES (1,POINT(3,4),POINT(1,1)),(2,GeomFromText('LINESTRING(0 0,5 5)'),POINT(2,2));
CREATE TABLE part_r (id int NOT NULL, d date NOT NULL, v int, PRIMARY KEY (id,d), KEY (v)) ENGINE=InnoDB PARTITION BY RANGE (year(d)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN (2020) COMMENT='one', PARTITION pm VALUES LESS THAN MAXVALUE); INSERT INTO part_r SELECT n, date'1990-01-01' + interval n month, n FROM seq WHERE n <= 500;
CREATE TABLE part_rc (a int NOT NULL, b varchar(10) NOT NULL, PRIMARY KEY (a,b)) ENGINE=InnoDB PARTITION BY RANGE COLUMNS (a,b) (PARTITION p0 VALUES LESS THAN (5,'m'), PARTITION p1 VALUES LESS THAN (MAXVALUE,MAXVALUE)); INSERT INTO part_rc VALUES (1,'a'),(5,'z');
CREATE TABLE part_h (id int NOT NULL PRIMARY KEY) ENGINE=InnoDB PARTITION BY LINEAR HASH (id) PARTITIONS 3; INSERT INTO part_h SELECT n FROM seq WHERE n <= 100;
CREATE TABLE part_k (id varchar(10) NOT NULL PRIMARY KEY) ENGINE=InnoDB PARTITION BY KEY (id) PARTITIONS 5; INSERT INTO part_k SELECT n FROM seq WHERE n <= 100;
CREATE TABLE part_l (k varchar(5) NOT NULL, v int, PRIMARY KEY (k)) PARTITION BY LIST COLUMNS (k) (PARTITION a VALUES IN ('a','b'), PARTITION z VALUES IN ('c','ü')); INSERT INTO part_l VALUES ('a',1),('c',2);
CREATE TABLE part_m (id int, v int) ENGINE=MyISAM PARTITION BY LIST (id) (PARTITION a VALUES IN (1,NULL), PARTITION z VALUES IN (2)); INSERT INTO part_m VALUES (1,1),(NULL,2),(2,3);
CREATE TABLE compr (id int PRIMARY KEY, t text) ENGINE=InnoDB ROW_FORMAT=DYNAMIC STATS_PERSISTENT=0 STATS_AUTO_RECALC=1 STATS_SAMPLE_PAGES=7 MIN_ROWS=2 MAX_ROWS=100 AVG_ROW_LENGTH=50; INSERT INTO compr VALUES (1,repeat('abc',500));
CREATE TABLE redun (id int PRIMARY KEY) ROW_FORMAT=REDUNDANT; CREATE TABLE empty_one (id int PRIMARY KEY, a int, KEY(a));
CREATE TABLE `dot.ted name` (id int PRIMARY KEY); INSERT INTO `dot.ted name` VALUES (1);
CREATE TABLE edges (id int PRIMARY KEY, f1 float(30,0), f2 float(7,2), d1 double(200,0), d2 double(20,3)) ENGINE=InnoDB; INSERT IGNORE INTO edges VALUES (1,1e29,1,1e199,1),(2,1e30,99999.99,1e200,99999999999999999.999),(3,-2e30,-1e9,-2e200,-1e30),(4,2e30,1e9,2e200,1e30);
CREATE TABLE `views.sql` (id int PRIMARY KEY); INSERT INTO `views.sql` VALUES (2);
CREATE TABLE `ta``ck''s "ü" 100%s` (`c``ol` int PRIMARY KEY, `select` int, KEY `in``dex` (`select`)); INSERT INTO `ta``ck''s "ü" 100%s` VALUES (1,2);
CREATE TABLE `nl\nname` (id int PRIMARY KEY);
CREATE TABLE Case_T (id int PRIMARY KEY); CREATE TABLE case_t (id int PRIMARY KEY); INSERT INTO case_t VALUES (1);
CREATE TABLE strkey (k varchar(60) CHARACTER SET latin1 COLLATE latin1_german2_ci, n int, v text, PRIMARY KEY (k,n)) ENGINE=InnoDB; INSERT INTO strkey SELECT concat(char(97 + n % 26), md5(n)), n, repeat('v', n % 50) FROM seq WHERE n <= 3000; INSERT INTO strkey VALUES ('ä',1,'1'),('a''b',1,'q'),('',0,'');
CREATE TABLE cust (id int PRIMARY KEY, parent int, CONSTRAINT fk_self FOREIGN KEY (parent) REFERENCES cust (id)) ENGINE=InnoDB;
CREATE TABLE ord (id int PRIMARY KEY, c int, d int, KEY kc (c), CONSTRAINT fk_c FOREIGN KEY (c) REFERENCES cust (id) ON DELETE CASCADE ON UPDATE SET NULL, CONSTRAINT `fk``2` FOREIGN KEY (d) REFERENCES ord (id) ON DELETE NO ACTION) ENGINE=InnoDB;
INSERT INTO cust VALUES (1,NULL),(2,1); INSERT INTO ord VALUES (1,2,NULL),(2,1,1); SET foreign_key_checks=0; INSERT INTO ord VALUES (9,99,NULL); SET foreign_key_checks=1;
GRANT SELECT ON *.* TO nobody@'%' IDENTIFIED BY 'x';
CREATE DEFINER=`nobody`@`%` SQL SECURITY DEFINER VIEW zv AS SELECT id, i FROM types WHERE i > 5 AND (vc LIKE 'r%' OR NOT i BETWEEN 1 AND 2);
CREATE VIEW chkv AS SELECT * FROM cust WHERE id < 10 WITH CASCADED CHECK OPTION;
CREATE VIEW chkl AS SELECT * FROM chkv WHERE id > -10 WITH LOCAL CHECK OPTION;
CREATE ALGORITHM=MERGE VIEW av AS SELECT z.id AS `odd ``name` FROM zv z;
CREATE ALGORITHM=TEMPTABLE SQL SECURITY INVOKER VIEW bv AS SELECT count(*) AS n, 'ü' COLLATE utf8mb4_bin AS u FROM av;
CREATE VIEW exprs AS SELECT t.id, CASE WHEN t.i IS NULL THEN 'none' ELSE concat_ws('-', t.i, cast(t.de AS decimal(20,2)), convert(t.vc USING latin1)) END AS c, if(t.bi & 1, date_add('2020-01-01', INTERVAL t.id DAY), NULL) AS dd, (SELECT max(n) FROM seq WHERE seq.n <=> t.i) AS m, left(group_concat(DISTINCT t.vc ORDER BY t.vc DESC SEPARATOR ';'), 5) AS gc, _latin1'e' AS l, x'4142' AS hx, t.i DIV 3 AS q, t.vc REGEXP '^r' AS r FROM types t LEFT JOIN (cust c JOIN ord o ON o.c = c.id) ON c.id = t.id WHERE t.id IN (1,2,3) OR EXISTS (SELECT 1 FROM nopk) GROUP BY t.id HAVING count(*) > 0 UNION ALL SELECT 1, 'x', NULL, NULL, 'y', 'z', 'h', 0, 1 ORDER BY 1 LIMIT 3000;
CREATE TABLE gone (id int); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;
DELIMITER ;;
CREATE FUNCTION f1(x int) RETURNS varchar(20) CHARSET utf8mb4 DETERMINISTIC COMMENT 'ü;;' RETURN concat('ü', x);;
CREATE FUNCTION f2(x varchar(10) CHARACTER SET latin1) RETURNS text CHARSET utf8 READS SQL DATA SQL SECURITY INVOKER RETURN x;;
CREATE VIEW fv AS SELECT f1(id) AS q FROM cust;;
SET sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES';;
CREATE PROCEDURE p_ansi(OUT r varchar(30)) BEGIN DECLARE "v" varchar(10) DEFAULT 'a\'; SET r = "v" || 'b'; END;;
SET sql_mode='TRADITIONAL,NO_AUTO_CREATE_USER,HIGH_NOT_PRECEDENCE';;
CREATE PROCEDURE p_mode(INOUT a int, b enum('x','ü')) MODIFIES SQL DATA BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION SET a = 1; SELECT NOT a BETWEEN 1 AND 2; END;;
SET sql_mode='';;
SET NAMES latin1;;
CREATE PROCEDURE `p latin`() BEGIN SELECT 'ä', "b"; END;;
CREATE TRIGGER tr_l BEFORE INSERT ON cust FOR EACH ROW BEGIN SET @x = 'é'; END;;
SET NAMES utf8;;
CREATE PROCEDURE p_utf8() SELECT 'ü';;
SET NAMES utf8mb4;;
SET sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE';;
CREATE TRIGGER tr1 BEFORE INSERT ON ord FOR EACH ROW SET NEW.d = coalesce(NEW.d, 1);;
CREATE DEFINER=`ghost`@`localhost` TRIGGER tr2 AFTER UPDATE ON ord FOR EACH ROW SET @o = NEW.d;;
CREATE EVENT ev1 ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' ENDS '2031-01-01' ON COMPLETION PRESERVE COMMENT 'PRESERVE ENABLE trap' DO BEGIN SELECT 'PRESERVE ENABLE'; END;;
CREATE EVENT ev2 ON SCHEDULE AT '2035-01-01 00:00:00' DO SELECT 1;;
CREATE EVENT ev3 ON SCHEDULE EVERY 1 HOUR STARTS '2030-01-01 00:00:00' DISABLE DO SET @a='ü';;
SET time_zone='+05:30';;
CREATE EVENT ev4 ON SCHEDULE EVERY 2 DAY STARTS '2030-06-01 12:00:00' DO SELECT 2;;
DELIMITER ;
CREATE TABLE bigstr (k varchar(40) COLLATE utf8mb4_german2_ci NOT NULL, d date NOT NULL, b varbinary(10) NOT NULL, v text, w float, PRIMARY KEY (k,d,b), KEY (w)) ENGINE=InnoDB;
INSERT INTO bigstr SELECT concat(elt(1+s%4,'ß','Ä','x''\\',''), md5(s div 3)), date'2000-01-01' + interval s%3 day, unhex(right(md5(s),8)), repeat(md5(s),10), rand(s)*100 FROM (SELECT a.n + 10000 * (b.n - 1) AS s FROM seq a, seq b WHERE b.n <= 6) q;
CREATE TABLE bigsparse (id bigint NOT NULL, n int NOT NULL, v text, PRIMARY KEY (id,n)) ENGINE=InnoDB;
INSERT INTO bigsparse SELECT cast(s*s*1000 as signed) - 5000000000, s, repeat(md5(s),12) FROM (SELECT a.n + 10000 * (b.n - 1) AS s FROM seq a, seq b WHERE b.n <= 5) q; INSERT INTO bigsparse VALUES (9223372036854775807,1,'end'),(-9223372036854775808,1,'start');
ANALYZE TABLE bigstr, bigsparse;
