#include "lib/base/field.h"

#include "lib/base/buf.h"

/* Bytes that are not UTF-8 become the character of the same number: latin-1 text stays readable. */
static json_t *text_json(struct span s)
{
    json_t *whole = json_stringn(s.at, s.len);
    if (whole)
        return whole;

    struct buf text = {0};
    while (s.len) {
        size_t len = span_utf8(s);
        unsigned char c = (unsigned char)*s.at;
        if (len) {
            buf_add(&text, s.at, len);
        } else {
            len = 1;
            buf_putc(&text, (char)(0xc0 | c >> 6));
            buf_putc(&text, (char)(0x80 | (c & 0x3f)));
        }
        s = (struct span){s.at + len, s.len - len};
    }
    json_t *value = text.failed ? NULL : json_stringn(buf_str(&text), text.len);
    buf_done(&text);
    return value;
}

static json_t *value_json(const struct field *f)
{
    switch (f->type) {
    case FIELD_STR:
        return f->str.at ? text_json(f->str) : json_null();
    case FIELD_NUM:
        return json_integer(f->num);
    case FIELD_REAL: {
        /* JSON has no NaN and no infinity. */
        json_t *real = json_real(f->real);
        return real ? real : json_null();
    }
    case FIELD_BOOL:
        return json_boolean(f->flag);
    case FIELD_JSON:
        return f->json ? json_incref(f->json) : json_null();
    case FIELD_END:
        break;
    }
    return NULL;
}

json_t *fields_json(const struct field *fields)
{
    json_t *o = json_object();

    for (const struct field *f = fields; o && f->type != FIELD_END; f++)
        if (json_object_set_new(o, f->name, value_json(f)) != 0) {
            json_decref(o);
            return NULL;
        }
    return o;
}
