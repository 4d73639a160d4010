SELECT table_name, index_name, column_name, sub_part, nullable
FROM information_schema.statistics
WHERE table_schema = database() AND non_unique = 0 AND index_type = 'BTREE'
ORDER BY table_name, index_name <> 'PRIMARY', index_name, seq_in_index
