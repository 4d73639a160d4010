-- What a day changes in the shop's rows: 1.5 % of each table, anywhere in it; new rows come from
-- shop-generate --day. Variable: day.
SET session_replication_role = replica;
UPDATE customers SET newsletter = NOT newsletter, note = 'called on day ' || :day || ' about ' || id
    WHERE abs(hashint8(id + :day * 7919)) % 200 < 3;
UPDATE sessions SET last_seen_at = last_seen_at + abs(hashtext(id)) % 86400 * interval '1.000017 s'
    WHERE abs(hashtext(id || :day)) % 200 < 3;
UPDATE orders SET status = (enum_range(status))[1 + abs(hashint8(number + :day)) % 5]
    WHERE abs(hashint8(number + :day * 104729)) % 200 < 3;
UPDATE order_lines SET quantity = 1 + quantity % 9
    WHERE abs(hashtext(order_id::text || line || :day)) % 200 < 3;
UPDATE order_events SET detail = jsonb_build_object('seen', abs(hashtext(order_id::text)) % 100000)
    WHERE abs(hashtext(order_id::text || event || :day)) % 200 < 3;
