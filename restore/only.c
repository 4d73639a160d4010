#include "restore/only.h"

#include <stdlib.h>

#include "lib/base/auto.h"
#include "lib/base/buf.h"

#define NEAR_SHOWN 3

/* ---- components ----------------------------------------------------------------------------------*/

static bool is_files(struct span component)
{
    return span_starts(component, "files/");
}

/* "ENGINE.NAME/PART": what stands behind the slash; .at NULL without one. */
static struct span part_of(const char *entry, struct span component)
{
    if (is_files(component) || strncmp(entry, component.at, component.len) != 0 ||
        entry[component.len] != '/')
        return (struct span){0};
    return span_of(entry + component.len + 1);
}

bool only_is(const char *entry, struct span component)
{
    return span_is(component, entry) || (is_files(component) && strcmp(entry, "files") == 0) ||
           part_of(entry, component).at;
}

bool only_component(const struct opt_list *only, struct span component)
{
    for (size_t i = 0; only && i < only->count; i++)
        if (only_is(only->at[i], component))
            return true;
    return !only || !only->count;
}

static bool add_part(const char *entry, struct span text, bool schemas, struct vec *parts,
                     struct err *err)
{
    struct span schema = {0}, name = text;

    if (schemas) {
        const char *dot = memchr(text.at, '.', text.len);
        schema = dot ? (struct span){text.at, (size_t)(dot - text.at)} : text;
        name =
            dot ? (struct span){dot + 1, (size_t)(text.at + text.len - dot - 1)} : (struct span){0};
    }
    if ((schemas && !schema.len) || (name.at && !name.len)) {
        err_set(err, ERR_USAGE, "--only '%s' names nothing behind the %s", entry,
                schemas && schema.len ? "dot" : "slash");
        return err_hint(err, "postgresql.NAME/SCHEMA, postgresql.NAME/SCHEMA.TABLE or "
                             "mariadb.NAME/TABLE");
    }
    struct only_part *p = vec_add(parts, err);
    if (p)
        *p = (struct only_part){.schema = schema, .name = name, .given = entry};
    return p != NULL;
}

bool only_parts(const struct opt_list *only, const char *component, struct vec *parts,
                struct err *err)
{
    struct span name = span_of(component);

    for (size_t i = 0; only && i < only->count; i++)
        if (strcmp(only->at[i], component) == 0)
            return true;
    for (size_t i = 0; only && i < only->count; i++) {
        struct span part = part_of(only->at[i], name);
        if (part.at && !add_part(only->at[i], part, span_starts(name, "postgresql."), parts, err))
            return false;
    }
    return true;
}

/* ---- patterns ------------------------------------------------------------------------------------*/

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of the pattern and how long it is written. */
static size_t literal(struct span p, char *c)
{
    *c = *p.at;
    if (p.len < 3 || *p.at != '%' || hex(p.at[1]) < 0 || hex(p.at[2]) < 0)
        return 1;
    *c = (char)(hex(p.at[1]) * 16 + hex(p.at[2]));
    return 3;
}

static struct span behind(struct span s, size_t n)
{
    return (struct span){s.at + n, s.len - n};
}

bool only_match(struct span p, struct span s)
{
    struct span star = {0}, again = {0}; /* behind the last star, and what it may still eat */

    while (s.len) {
        char c = '\0';
        size_t n = p.len ? literal(p, &c) : 0;
        if (p.len && *p.at == '*') {
            star = p = behind(p, 1);
            again = s;
        } else if (p.len && (*p.at == '?' || c == *s.at)) {
            p = behind(p, n);
            s = behind(s, 1);
        } else if (star.at) {
            p = star;
            s = again = behind(again, 1);
        } else {
            return false;
        }
    }
    while (p.len && *p.at == '*')
        p = behind(p, 1);
    return !p.len;
}

/* ---- what is not there ---------------------------------------------------------------------------*/

struct near {
    size_t far;
    const char *name;
};

static int by_distance(const void *a, const void *b)
{
    const struct near *x = a, *y = b;

    return x->far != y->far ? (x->far > y->far) - (x->far < y->far) : strcmp(x->name, y->name);
}

bool only_unknown(const char *component, const struct only_part *part, const char *const *names,
                  size_t count, struct err *err)
{
    const char *wanted = part->given + strlen(component) + 1;
    struct near *all = calloc(count + 1, sizeof(*all));
    AUTO(buf) struct buf list = {0};

    err_set(err, ERR_MISSING, "nothing in '%s' is named '%s'", component, wanted);
    for (size_t i = 0; all && i < count; i++)
        all[i] = (struct near){opt_distance(span_of(wanted), span_of(names[i])), names[i]};
    if (all)
        qsort(all, count, sizeof(*all), by_distance);
    for (size_t i = 0; all && i < count && i < NEAR_SHOWN; i++)
        if (all[i].far < SIZE_MAX)
            buf_printf(&list, "%s'%s'", i ? " or " : "", all[i].name);
    free(all);
    if (list.len)
        return err_hint(err, "did you mean %s?", buf_str(&list));
    return err_hint(err, "rehearse bundle show names what there is");
}
