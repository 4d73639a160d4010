#include "replay/endpoint.h"

#include <ctype.h>
#include <jansson.h>

/* An id: a number, hexadecimal digits of some length with a digit among them (UUIDs with their
 * hyphens), or a long token of letters and digits. */
static bool is_id(struct span s)
{
    size_t digits = 0, hex = 0, other = 0, hyphens = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        digits += isdigit(c) != 0;
        hex += isxdigit(c) != 0;
        hyphens += c == '-' || c == '_';
        other += !isalnum(c) && c != '-' && c != '_';
    }
    if (digits == 0 || other)
        return false;
    if (digits == s.len)
        return true;
    if (hex + hyphens == s.len && hex >= 8)
        return true;
    return s.len >= 20 && hyphens <= 2;
}

static void add(char *out, size_t *len, struct span s)
{
    for (size_t i = 0; i < s.len && *len + 1 < ENDPOINT_MAX; i++)
        out[(*len)++] = s.at[i] > 0x20 && s.at[i] < 0x7f ? s.at[i] : '?';
}

const char *endpoint_name(struct span line, char out[ENDPOINT_MAX])
{
    struct span method = {"", 0}, target = {"", 0}, segment;
    size_t len = 0;

    span_split(&line, ' ', &method);
    span_split(&line, ' ', &target);
    add(out, &len, method);
    if (len + 1 < ENDPOINT_MAX)
        out[len++] = ' ';
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] == '?' || target.at[i] == '#' || target.at[i] == ';')
            target.len = i;
    for (bool first = true; span_split(&target, '/', &segment); first = false) {
        add(out, &len, first ? SPAN("") : SPAN("/"));
        add(out, &len, is_id(segment) ? SPAN("{}") : segment);
    }
    out[len] = '\0';
    return out;
}

struct endpoints {
    json_t *index; /* name -> index */
    char (*names)[ENDPOINT_MAX];
    size_t count;
};

bool endpoints_new(struct endpoints **out, struct err *err)
{
    AUTO(endpoints) struct endpoints *e = calloc(1, sizeof(*e));
    if (!e)
        return err_memory(err);
    e->index = json_object();
    e->names = calloc(ENDPOINTS_MAX + 1, sizeof(*e->names));
    if (!e->index || !e->names)
        return err_memory(err);
    *out = TAKE(e);
    return true;
}

void endpoints_free(struct endpoints *e)
{
    if (!e)
        return;
    json_decref(e->index);
    free(e->names);
    free(e);
}

bool endpoints_index(struct endpoints *e, struct span line, size_t *out, struct err *err)
{
    char name[ENDPOINT_MAX];

    endpoint_name(line, name);
    const json_t *known = json_object_get(e->index, name);
    if (!known && e->count >= ENDPOINTS_MAX) {
        snprintf(name, sizeof(name), "(other)");
        known = json_object_get(e->index, name);
    }
    if (known) {
        *out = (size_t)json_integer_value(known);
        return true;
    }
    if (json_object_set_new(e->index, name, json_integer((json_int_t)e->count)) != 0)
        return err_memory(err);
    memcpy(e->names[e->count], name, sizeof(name));
    *out = e->count++;
    return true;
}

const char *endpoints_name(const struct endpoints *e, size_t i)
{
    return e->names[i];
}

size_t endpoints_count(const struct endpoints *e)
{
    return e->count;
}
