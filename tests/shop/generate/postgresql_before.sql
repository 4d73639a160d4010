-- Triggers would write events of today, and foreign keys hold by construction.
SET session_replication_role = replica;
SET TimeZone = 'UTC';
