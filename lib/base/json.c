#include "lib/base/json.h"

#include "lib/base/buf.h"

/* Zero bytes are let in here and refused where a C string is wanted: what json_stringn() wrote must
 * be readable again. */
bool json_parse(struct span text, const char *what, json_t **out, struct err *err)
{
    json_error_t at;
    json_t *value =
        json_loadb(text.len ? text.at : "", text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);

    /* Without memory jansson 2.14 gives an empty error, seldom its own code for it. */
    if (!value && (!at.text[0] || json_error_code(&at) == json_error_out_of_memory))
        return err_memory(err);
    if (!value)
        return err_set(err, ERR_DAMAGED, "%s: not valid JSON at line %d, column %d: %s", what,
                       at.line, at.column, at.text);
    *out = value;
    return true;
}

char *json_text(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REALS);
}

char *json_pretty(const json_t *value)
{
    return json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REALS);
}

static bool missing_or_wrong(const json_t *got, const char *key, const char *want, struct err *err)
{
    if (!got)
        return err_set(err, ERR_DAMAGED, "'%s' is missing", key);
    return err_set(err, ERR_DAMAGED, "'%s' is not %s", key, want);
}

bool json_want_str(const json_t *o, const char *key, const char **out, struct err *err)
{
    const json_t *got = json_object_get(o, key);
    const char *s = json_string_value(got);

    if (!s)
        return missing_or_wrong(got, key, "a string", err);
    if (strlen(s) != json_string_length(got))
        return err_set(err, ERR_DAMAGED, "'%s' holds a zero byte", key);
    *out = s;
    return true;
}

bool json_want_u64(const json_t *o, const char *key, uint64_t *out, struct err *err)
{
    const json_t *got = json_object_get(o, key);

    if (!json_is_integer(got) || json_integer_value(got) < 0)
        return missing_or_wrong(got, key, "a whole number of 0 or more", err);
    *out = (uint64_t)json_integer_value(got);
    return true;
}

bool json_want_obj(const json_t *o, const char *key, json_t **out, struct err *err)
{
    json_t *got = json_object_get(o, key);

    if (!json_is_object(got))
        return missing_or_wrong(got, key, "an object", err);
    *out = got;
    return true;
}

bool json_want_arr(const json_t *o, const char *key, json_t **out, struct err *err)
{
    json_t *got = json_object_get(o, key);

    if (!json_is_array(got))
        return missing_or_wrong(got, key, "an array", err);
    *out = got;
    return true;
}

static json_t *text_of(struct span s, bool back)
{
    AUTO(buf) struct buf text = {0};

    while (s.len) {
        size_t len = span_utf8(s);
        if (len && (*s.at != '%' || !back) && *s.at) {
            buf_add(&text, s.at, len);
        } else {
            len = 1;
            buf_printf(&text, "%%%02X", (unsigned char)*s.at);
        }
        s = (struct span){s.at + len, s.len - len};
    }
    return text.failed ? NULL : json_stringn(buf_str(&text), text.len);
}

json_t *json_bytes(struct span s)
{
    return text_of(s, true);
}

json_t *json_words(struct span s)
{
    return text_of(s, false);
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *json_bytes_back(const char *text, size_t *len)
{
    char *bytes = malloc(strlen(text) + 1);
    size_t at = 0;

    if (!bytes)
        return NULL;
    for (const char *s = text; *s; s++) {
        int high = *s == '%' ? nibble(s[1]) : -1;
        int low = high >= 0 ? nibble(s[2]) : -1;
        if (low >= 0)
            s += 2;
        bytes[at++] = (char)(low >= 0 ? high << 4 | low : *s);
    }
    bytes[at] = 0;
    if (len)
        *len = at;
    return bytes;
}
