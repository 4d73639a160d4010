-- Behind mariadb-install-db, which makes root without a password for each way to this host.
DELETE FROM mysql.global_priv WHERE user = 'root' AND host <> 'localhost';
DELETE FROM mysql.proxies_priv WHERE user = 'root' AND host <> 'localhost';
FLUSH PRIVILEGES;
