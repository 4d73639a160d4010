CREATE TABLE vouchers (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{6,12}$'),
    percent smallint NOT NULL CHECK (percent BETWEEN 1 AND 50),
    valid daterange NOT NULL,
    used_by integer REFERENCES customers
);
GRANT SELECT, UPDATE ON vouchers TO shop;

CREATE FUNCTION voucher_is_valid(wanted text, at date) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- A voucher counts once; the semicolon and the 'quote' here are for careless splitters;
    RETURN EXISTS (SELECT FROM vouchers v WHERE v.code = wanted AND v.valid @> at AND v.used_by IS NULL);
END;
$$;
