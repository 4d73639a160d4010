/* Typed fields: one shape for log lines, progress and journal events.
 *   log_info("table copied", f_str("table", name), f_num("rows", rows));
 * Values are borrowed for the call. */
#ifndef LIB_BASE_FIELD_H
#define LIB_BASE_FIELD_H

#include "lib/base/span.h"

#include <jansson.h>

enum field_type { FIELD_END, FIELD_STR, FIELD_NUM, FIELD_REAL, FIELD_BOOL, FIELD_JSON };

struct field {
    enum field_type type;
    const char *name;
    struct span str;
    int64_t num;
    double real;
    bool flag;
    json_t *json; /* borrowed */
};

static inline struct field f_str(const char *name, const char *s)
{
    return (struct field){.type = FIELD_STR, .name = name, .str = span_of(s)};
}
static inline struct field f_span(const char *name, struct span s)
{
    return (struct field){.type = FIELD_STR, .name = name, .str = s};
}
static inline struct field f_num(const char *name, int64_t n)
{
    return (struct field){.type = FIELD_NUM, .name = name, .num = n};
}
static inline struct field f_real(const char *name, double r)
{
    return (struct field){.type = FIELD_REAL, .name = name, .real = r};
}
static inline struct field f_bool(const char *name, bool b)
{
    return (struct field){.type = FIELD_BOOL, .name = name, .flag = b};
}
static inline struct field f_json(const char *name, json_t *borrowed)
{
    return (struct field){.type = FIELD_JSON, .name = name, .json = borrowed};
}

/* For macros that take fields as variadic arguments. */
#define FIELDS(...) ((const struct field[]){__VA_ARGS__, {.type = FIELD_END}})

/* A new JSON object of the fields; NULL without memory. Bytes that are not UTF-8 become \u00NN of
 * the byte, a NULL string becomes null. */
json_t *fields_json(const struct field *fields);

#endif
