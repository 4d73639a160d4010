DELETE FROM sessions WHERE id = encode(sha256(convert_to($1, 'UTF8')), 'hex')
