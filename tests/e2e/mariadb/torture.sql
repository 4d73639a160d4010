SET NAMES utf8mb4;
SET sql_mode='', check_constraint_checks=0;
CREATE TABLE types (
 id bigint unsigned NOT NULL AUTO_INCREMENT,
 ti tinyint, tu tinyint unsigned, si smallint, mi mediumint, i int, bi bigint, bu bigint unsigned,
 de decimal(65,30), de2 decimal(10,0) unsigned zerofill, fl float, fl2 float(7,2), fu float unsigned, db double, db2 double(20,3),
 b1 bit(1), b64 bit(64), b13 bit(13),
 d date, dt datetime, dt6 datetime(6), ts timestamp NOT NULL DEFAULT '0000-00-00 00:00:00', ts6 timestamp(6) NOT NULL DEFAULT current_timestamp(6), tm time, tm3 time(3), y year,
 c char(10), vc varchar(200), cb char(5) CHARACTER SET binary, bn binary(8), vb varbinary(300),
 tt tinytext, tx text, mt mediumtext, lt longtext, tb tinyblob, bl blob, mb mediumblob, lb longblob,
 l1 varchar(50) CHARACTER SET latin1, u2 varchar(50) CHARACTER SET ucs2, u16 varchar(50) CHARACTER SET utf16, u32 varchar(50) CHARACTER SET utf32, sj varchar(50) CHARACTER SET sjis, gb varchar(50) CHARACTER SET gbk, b5 varchar(50) CHARACTER SET big5, ko varchar(20) CHARACTER SET koi8r,
 en enum('a','b','ü','it''s','x,y'), en2 enum('','p','3','1'), en1 enum('ä','ö') CHARACTER SET latin1, enu enum('ж','я') CHARACTER SET ucs2, st set('r','g','b'), st2 set('','q','z'),
 js json, uu uuid, i6 inet6, i4 inet4,
 g geometry, p point, ls linestring, pg polygon,
 gv int GENERATED ALWAYS AS (i * 2) VIRTUAL, gs varchar(100) GENERATED ALWAYS AS (concat(vc,'!')) STORED,
 inv int INVISIBLE DEFAULT 7, dfx varchar(36) DEFAULT (concat('x', 1+1)), dbin varbinary(4) DEFAULT x'00FF41',
 `we``ird % col\n"x"` int COMMENT 'has ''quotes'', (parens), \n and %d',
 PRIMARY KEY (id), KEY k_i (i), UNIQUE KEY k_u (bi, vc), KEY k_pre (tx(20), vc(10)), KEY k_gv (gv), KEY k_desc (de DESC), KEY k_ign (si) IGNORED,
 FULLTEXT KEY ft1 (vc), FULLTEXT KEY ft2 (tx, mt), CONSTRAINT chk CHECK (ti < 100 or ti is null)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='AUTO_INCREMENT=99 trap, (';
INSERT INTO types (id) VALUES (1);
INSERT INTO types (ti,tu,si,mi,i,bi,bu,de,de2,fl,fl2,fu,db,db2,b1,b64,b13,d,dt,dt6,ts,ts6,tm,tm3,y,c,vc,cb,bn,vb,tt,tx,mt,lt,tb,bl,mb,lb,l1,u2,u16,u32,sj,gb,b5,ko,en,en2,en1,enu,st,st2,js,uu,i6,i4,g,p,ls,pg,inv,dfx,dbin,`we``ird % col\n"x"`) VALUES
(-128,255,-32768,8388607,-2147483648,-9223372036854775808,18446744073709551615,'12345678901234567890123456789012345.123456789012345678901234567890','0000000042',0.1,12345.67,3.4e38,2.2250738585072014e-308,12345678901234567.125,b'1',0xFFFFFFFFFFFFFFFF,b'1010101010101','0000-00-00','0000-00-00 00:00:00','9999-12-31 23:59:59.999999','2020-01-01 00:00:01','2038-01-19 03:14:07.999999','-838:59:59','838:59:59.000',1901,'tr  ','a\tb\nc\\d\0e\Zf\rg\bh','\\N','\0\t\n\\',0x000102090A0D5C1A27FF,'','\\N','N','NULL',0x00,0x5C4E,0x0A09,repeat(0x00FF5C0A09,2000),'\xE4','é€','𝄞x','𝄞','表ソ','縗','功','ж','ü','',1,'я','r,b','q','{"a": "\\u00e4\\n", "b": [1,2,null]}','550e8400-e29b-41d4-a716-446655440000','2001:db8::ff00:42:8329','192.168.0.1',ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))',4326),POINT(1.5,-2.25),ST_GeomFromText('LINESTRING(0 0,1 1,2 2)'),ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0))'),NULL,'','',-1),
(127,0,0,0,0,0,0,-0.000000000000000000000000000001,0,-0.0,-0.01,1.17549e-38,-0.0,-0.001,b'0',0,0,'2021-02-31','2020-01-01','0001-01-01 00:00:00.000001','1970-01-01 00:00:01','1970-01-01 00:00:01.000001','00:00:00','-00:00:00.001',0,'','','','','','','','','','','','','','','','','','','','','','a','zz','zz','zz','','zz','null',NULL,'::','0.0.0.0',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL),
(99,1,1,1,1,1,1,1,1,16777217,1,0.3333333333,0.1,1,1,1,1,'2020-00-00','2020-02-30 10:00:00',now(6),now(),now(6),'10:00','10:00:00.123',2155,'ß','ẞß','a','a','a','a','a','a',repeat('lang ',30000),'a','a','a','a','a','a','a','a','a','a','a','a','it''s','3','ö','ж','r,g,b','','[]','00000000-0000-0000-0000-000000000000','ffff::1','255.255.255.255',POINT(0,0),NULL,NULL,NULL,1,'x','\xC3\xA4',5);
INSERT INTO types (i, vc, fl, db, bi) SELECT seq, concat('row ',seq), rand(seq)*1e10, rand(seq)/3*pow(10, cast(seq % 300 as signed) - 150), seq*1000 FROM seq_2_to_3000;
CREATE TABLE nopk (a int, b varchar(20), KEY (a)) ENGINE=InnoDB;
INSERT INTO nopk VALUES (1,'x'),(1,'x'),(NULL,NULL);
CREATE TABLE nopk_unique (a int NOT NULL, b int, UNIQUE KEY u (a), UNIQUE KEY v (b)) ENGINE=InnoDB;
INSERT INTO nopk_unique VALUES (1,NULL),(2,NULL),(3,1);
CREATE TABLE auto_second (a int NOT NULL, n int NOT NULL AUTO_INCREMENT, v int, PRIMARY KEY (a), KEY nk (n), KEY vk (v)) ENGINE=InnoDB AUTO_INCREMENT=500;
INSERT INTO auto_second (a,v) VALUES (1,1),(2,2);
CREATE TABLE zero_auto (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, v int) ENGINE=InnoDB; SET sql_mode='NO_AUTO_VALUE_ON_ZERO'; INSERT INTO zero_auto VALUES (0,1),(-5,2),(7,3); SET sql_mode='';
CREATE TABLE mi (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, t text, FULLTEXT KEY (t), KEY (t(5))) ENGINE=MyISAM; INSERT INTO mi (t) SELECT concat('word ',seq) FROM seq_1_to_500;
CREATE TABLE ar (id int PRIMARY KEY, g point NOT NULL, SPATIAL KEY (g)) ENGINE=Aria; INSERT INTO ar VALUES (1,POINT(1,2));
CREATE TABLE mem (id int PRIMARY KEY, v varchar(10)) ENGINE=MEMORY; INSERT INTO mem VALUES (1,'m');
CREATE TABLE cs (id int NOT NULL, v varchar(10) NOT NULL) ENGINE=CSV; INSERT INTO cs VALUES (1,'a,"b'),(2,'x');
CREATE TABLE mg (id int NOT NULL, t text, KEY(id)) ENGINE=MRG_MyISAM UNION=();
CREATE TABLE sp (id int PRIMARY KEY, g geometry NOT NULL, p point NOT NULL, SPATIAL KEY sg (g), SPATIAL KEY spp (p)) ENGINE=InnoDB; INSERT INTO sp VALUES (1,POINT(3,4),POINT(1,1)),(2,ST_GeomFromText('LINESTRING(0 0,5 5)'),POINT(2,2));
CREATE TABLE part_r (id int NOT NULL, d date NOT NULL, v int, PRIMARY KEY (id,d), KEY (v)) ENGINE=InnoDB PARTITION BY RANGE (year(d)) (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN (2020), PARTITION pm VALUES LESS THAN MAXVALUE); INSERT INTO part_r SELECT seq, date'1990-01-01' + interval seq month, seq FROM seq_1_to_500;
CREATE TABLE part_h (id int NOT NULL PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 3; INSERT INTO part_h SELECT seq FROM seq_1_to_100;
CREATE TABLE part_l (k varchar(5) NOT NULL, v int, PRIMARY KEY (k)) PARTITION BY LIST COLUMNS (k) (PARTITION a VALUES IN ('a','b'), PARTITION z DEFAULT); INSERT INTO part_l VALUES ('a',1),('c',2);
CREATE TABLE ver (id int PRIMARY KEY, v varchar(10), KEY (v)) ENGINE=InnoDB WITH SYSTEM VERSIONING; INSERT INTO ver VALUES (1,'a'),(2,'b'); UPDATE ver SET v='a2' WHERE id=1; DELETE FROM ver WHERE id=2; INSERT INTO ver VALUES (3,'c');
CREATE TABLE ver2 (id int PRIMARY KEY, v varchar(10), s timestamp(6) GENERATED ALWAYS AS ROW START, e timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(s,e)) ENGINE=InnoDB WITH SYSTEM VERSIONING; INSERT INTO ver2 (id,v) VALUES (1,'a'); UPDATE ver2 SET v='b';
CREATE TABLE ver_ids (id int PRIMARY KEY, v varchar(10), s bigint unsigned GENERATED ALWAYS AS ROW START, e bigint unsigned GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(s,e), KEY (v,s)) ENGINE=InnoDB WITH SYSTEM VERSIONING; INSERT INTO ver_ids (id,v) VALUES (1,'a'),(2,'b'); UPDATE ver_ids SET v='a2' WHERE id=1; DELETE FROM ver_ids WHERE id=2; INSERT INTO ver_ids (id,v) VALUES (3,'c');
CREATE TABLE ver_never (id int PRIMARY KEY, v varchar(10), e timestamp(6) GENERATED ALWAYS AS ROW END INVISIBLE, b timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE, PERIOD FOR SYSTEM_TIME(b,e)) ENGINE=InnoDB WITH SYSTEM VERSIONING; INSERT INTO ver_never (id,v) VALUES (1,'a'),(2,'b'),(3,'c'); UPDATE ver_never SET v='a2' WHERE id=1; DELETE FROM ver_never WHERE id=2; SET timestamp=1000; INSERT INTO ver_never (id,v) VALUES (4,'d'); DELETE FROM ver_never WHERE id=4; SET timestamp=DEFAULT;
CREATE TABLE app_period (id int, s date, e date, PERIOD FOR p(s,e), UNIQUE (id, p WITHOUT OVERLAPS)) ENGINE=InnoDB; INSERT INTO app_period VALUES (1,'2020-01-01','2020-02-01'),(1,'2020-02-01','2020-03-01');
CREATE TABLE long_unique (a text, b int, UNIQUE KEY (a) USING HASH) ENGINE=InnoDB; INSERT INTO long_unique VALUES (repeat('x',3000),1),(NULL,2);
CREATE TABLE compr (id int PRIMARY KEY, t text COMPRESSED, u varchar(300) COMPRESSED DEFAULT 'x') ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4; INSERT INTO compr VALUES (1,repeat('abc',500),repeat('u',200));
CREATE TABLE redun (id int PRIMARY KEY) ROW_FORMAT=REDUNDANT; CREATE TABLE empty_one (id int PRIMARY KEY, a int, KEY(a));
CREATE TABLE allgen (a int AS (1) STORED) ENGINE=InnoDB; INSERT INTO allgen VALUES (),();
CREATE TABLE gencut (doc varchar(20), n int, cut char(2) AS (doc) STORED, virt char(1) AS (doc) VIRTUAL, num int AS (doc) STORED, part int AS (7 div n) STORED, small tinyint AS (n * 1000) STORED, KEY (virt)) ENGINE=InnoDB; INSERT INTO gencut (doc, n) VALUES ('a longer one', 0), ('12x', 5), ('abc', 1000), (NULL, NULL);
CREATE TABLE `dot.ted name` (id int PRIMARY KEY); INSERT INTO `dot.ted name` VALUES (1);
CREATE TABLE edges (id int PRIMARY KEY, f1 float(30,0), f2 float(7,2), d1 double(200,0), d2 double(20,3)) ENGINE=InnoDB; INSERT IGNORE INTO edges VALUES (1,1e29,1,1e199,1),(2,1e30,99999.99,1e200,99999999999999999.999),(3,-2e30,-1e9,-2e200,-1e30),(4,2e30,1e9,2e200,1e30);
CREATE TABLE asfile (n varchar(64) CHARACTER SET filename PRIMARY KEY, v int) ENGINE=InnoDB; INSERT INTO asfile VALUES (_utf8mb3'a/b ü',1),('x',2);
CREATE TABLE `views.sql` (id int PRIMARY KEY); INSERT INTO `views.sql` VALUES (2);
CREATE TABLE `ta``ck''s "ü" 100%s` (`c``ol` int PRIMARY KEY, `select` int, KEY `in``dex` (`select`)); INSERT INTO `ta``ck''s "ü" 100%s` VALUES (1,2);
CREATE TABLE `nl\nname` (id int PRIMARY KEY) ;
CREATE TABLE Case_T (id int PRIMARY KEY); CREATE TABLE case_t (id int PRIMARY KEY); INSERT INTO case_t VALUES (1);
CREATE TABLE strkey (k varchar(60) CHARACTER SET latin1 COLLATE latin1_german2_ci, n int, v text, PRIMARY KEY (k,n)) ENGINE=InnoDB; INSERT INTO strkey SELECT concat(char(97 + seq % 26), md5(seq)), seq, repeat('v', seq % 50) FROM seq_1_to_3000; INSERT INTO strkey VALUES ('ä',1,'1'),('a''b',1,'q'),('',0,'');
CREATE TABLE cust (id int PRIMARY KEY, parent int, CONSTRAINT fk_self FOREIGN KEY (parent) REFERENCES cust (id)) ENGINE=InnoDB;
CREATE TABLE ord (id int PRIMARY KEY, c int, d int, KEY kc (c), CONSTRAINT fk_c FOREIGN KEY (c) REFERENCES cust (id) ON DELETE CASCADE ON UPDATE SET NULL, CONSTRAINT `fk``2` FOREIGN KEY (d) REFERENCES ord (id)) ENGINE=InnoDB;
INSERT INTO cust VALUES (1,NULL),(2,1); INSERT INTO ord VALUES (1,2,NULL),(2,1,1); SET foreign_key_checks=0; INSERT INTO ord VALUES (9,99,NULL); SET foreign_key_checks=1;
CREATE SEQUENCE sq START WITH 100 INCREMENT BY 5 MAXVALUE 100000 CYCLE CACHE 10; SELECT nextval(sq); CREATE SEQUENCE sneg START WITH -1 INCREMENT BY -2 MINVALUE -1000 NOCACHE; SELECT nextval(sneg), nextval(sneg);
CREATE TABLE useseq (id int DEFAULT nextval(sq) PRIMARY KEY); INSERT INTO useseq VALUES (),();
CREATE OR REPLACE USER nobody@'%' IDENTIFIED BY 'x'; GRANT SELECT ON *.* TO nobody@'%';
CREATE DEFINER=`nobody`@`%` SQL SECURITY DEFINER VIEW zv AS SELECT id, i FROM types WHERE i > 5;
CREATE VIEW chkv AS SELECT * FROM cust WHERE id < 10 WITH CASCADED CHECK OPTION;
CREATE VIEW a_chk AS SELECT * FROM chkv WHERE id > -10 WITH LOCAL CHECK OPTION;
CREATE VIEW av AS SELECT z.id, c.parent FROM zv z LEFT JOIN cust c ON c.id = z.id;
CREATE OR REPLACE ALGORITHM=MERGE VIEW av AS SELECT z.id AS `odd ``name` FROM zv z;
CREATE ALGORITHM=TEMPTABLE SQL SECURITY INVOKER VIEW bv AS SELECT count(*) AS n, 'ü' COLLATE utf8mb4_bin AS u FROM av;
CREATE TABLE gone (id int); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;
DELIMITER ;;
CREATE FUNCTION f1(x int) RETURNS varchar(20) CHARSET utf8mb4 DETERMINISTIC COMMENT 'ü;;' RETURN concat('ü', x);;
CREATE VIEW fv AS SELECT f1(id) AS q FROM cust;;
SET sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES';;
CREATE PROCEDURE p_ansi(OUT r varchar(30)) BEGIN DECLARE "v" varchar(10) DEFAULT 'a\'; SET r = "v" || 'b'; END;;
SET sql_mode='ORACLE';;
CREATE PACKAGE pk AS FUNCTION g RETURN INT; PROCEDURE h; END;;
CREATE PACKAGE BODY pk AS FUNCTION g RETURN INT AS BEGIN RETURN 1; END; PROCEDURE h AS BEGIN NULL; END; END;;
CREATE PROCEDURE p_ora AS BEGIN NULL; END;;
SET sql_mode='';;
SET NAMES latin1;;
CREATE PROCEDURE `p latin`() BEGIN SELECT 'ä', "b"; END;;
CREATE TRIGGER tr_l BEFORE INSERT ON cust FOR EACH ROW BEGIN SET @x = 'é'; END;;
SET NAMES utf8mb4;;
SET sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE';;
CREATE TRIGGER tr1 BEFORE INSERT ON ord FOR EACH ROW SET NEW.d = coalesce(NEW.d, 1);;
CREATE DEFINER=`ghost`@`localhost` TRIGGER tr2 BEFORE INSERT ON ord FOR EACH ROW FOLLOWS tr1 SET NEW.d = NEW.d;;
CREATE TRIGGER tr0 BEFORE INSERT ON ord FOR EACH ROW PRECEDES tr1 SET @o = 1;;
CREATE EVENT ev1 ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' ENDS '2031-01-01' ON COMPLETION PRESERVE COMMENT 'PRESERVE ENABLE trap' DO BEGIN SELECT 'PRESERVE ENABLE'; END;;
CREATE EVENT ev2 ON SCHEDULE AT '2035-01-01 00:00:00' DO SELECT 1;;
CREATE EVENT ev3 ON SCHEDULE EVERY 1 HOUR DISABLE DO SET @a='ü';;
SET time_zone='+05:30';;
CREATE EVENT ev4 ON SCHEDULE EVERY 2 DAY STARTS '2030-06-01 12:00:00' DO SELECT 2;;
DELIMITER ;
CREATE TABLE bigstr (k varchar(40) COLLATE utf8mb4_german2_ci NOT NULL, d date NOT NULL, b varbinary(10) NOT NULL, v text, w float, PRIMARY KEY (k,d,b), KEY (w)) ENGINE=InnoDB;
INSERT INTO bigstr SELECT concat(elt(1+seq%4,'ß','Ä','x''\\',''), md5(seq div 3)), date'2000-01-01' + interval seq%3 day, unhex(right(md5(seq),8)), repeat(md5(seq),10), rand(seq)*100 FROM seq_1_to_120000;
CREATE TABLE bigsparse (id bigint NOT NULL, n int NOT NULL, v text, PRIMARY KEY (id,n)) ENGINE=InnoDB;
INSERT INTO bigsparse SELECT cast(seq*seq*1000 as signed) - 5000000000, seq, repeat(md5(seq),12) FROM seq_1_to_100000; INSERT INTO bigsparse VALUES (9223372036854775807,1,'end'),(-9223372036854775808,1,'start');
ANALYZE TABLE bigstr, bigsparse;
-- Who may do what.
CREATE ROLE torture_reads; CREATE ROLE `torture ``writes`; CREATE ROLE torture_runs; GRANT torture_reads TO `torture ``writes`; GRANT torture_runs TO `torture ``writes` WITH ADMIN OPTION;
CREATE USER torture_plain@localhost IDENTIFIED BY 'p%ss''w"o\\rd' WITH MAX_QUERIES_PER_HOUR 10 MAX_UPDATES_PER_HOUR 20 MAX_CONNECTIONS_PER_HOUR 30 MAX_USER_CONNECTIONS 40 MAX_STATEMENT_TIME 1.5;
CREATE USER `torture's "ü`@`10.0.0.0/255.255.0.0` REQUIRE ISSUER '/C=DE/O="x, y"' AND SUBJECT '/CN=it''s' AND CIPHER 'AES256-SHA' PASSWORD EXPIRE NEVER; CREATE USER torture_ssl@`%` REQUIRE SSL; CREATE USER torture_x509@`fe80::%` REQUIRE X509 ACCOUNT LOCK;
CREATE USER torture_socket@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('x') PASSWORD EXPIRE INTERVAL 30 DAY; CREATE USER torture_old@localhost IDENTIFIED BY 'x' PASSWORD EXPIRE; CREATE USER ``@`192.168.%`;
GRANT torture_reads TO torture_plain@localhost WITH ADMIN OPTION; GRANT `torture ``writes` TO `torture's "ü`@`10.0.0.0/255.255.0.0`; GRANT torture_runs TO torture_ssl@`%`; SET DEFAULT ROLE `torture ``writes` FOR `torture's "ü`@`10.0.0.0/255.255.0.0`; SET DEFAULT ROLE torture_reads FOR torture_plain@localhost;
GRANT RELOAD, PROCESS, FILE ON *.* TO torture_plain@localhost WITH GRANT OPTION; GRANT ALL ON *.* TO torture_x509@`fe80::%`; GRANT SHOW DATABASES ON *.* TO torture_runs;
GRANT SELECT ON `tort%`.* TO torture_reads; GRANT ALL ON `torture`.* TO `torture ``writes` WITH GRANT OPTION; GRANT CREATE TEMPORARY TABLES, EVENT ON `o\_ther`.* TO torture_ssl@`%`;
GRANT SELECT, INSERT, DELETE HISTORY ON nopk TO torture_ssl@`%` WITH GRANT OPTION; GRANT SELECT (a), UPDATE (b), REFERENCES (a), INSERT ON nopk TO torture_old@localhost; GRANT SELECT (`we``ird % col\n"x"`) ON types TO ``@`192.168.%`; GRANT SELECT, SHOW VIEW ON zv TO torture_old@localhost;
GRANT SELECT ON mysql.proc TO torture_old@localhost; GRANT PROXY ON torture_plain@localhost TO torture_ssl@`%`; GRANT PROXY ON ``@`%` TO torture_socket@localhost WITH GRANT OPTION;
