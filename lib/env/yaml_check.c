/* Holds a YAML tree against a libcyaml schema table, with errors that name line and key. */
#include "lib/env/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/fd.h"

static bool check_value(const struct yaml_doc *doc, const struct yaml_node *n,
                        const cyaml_schema_value_t *v, struct err *err);

/* The name of a node for a message: its key, or that of the list it stands in. */
static const char *node_name(const struct yaml_node *n)
{
    while (n && !n->key)
        n = n->up;
    return n ? n->key : "the file";
}

/* ---- near words -----------------------------------------------------------------------------------*/

#define WORD_MAX 32

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edits (insert, delete, replace) between two short words. */
static unsigned distance(const char *a, const char *b)
{
    size_t alen = strlen(a), blen = strlen(b);
    unsigned row[WORD_MAX + 1];

    if (alen > WORD_MAX || blen > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= blen; j++)
        row[j] = j;
    for (unsigned i = 1; i <= alen; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= blen; j++) {
            unsigned above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[blen];
}

bool ydoc_hint_near(struct err *err, const char *word, const char *const *known, size_t count)
{
    unsigned best = 3; /* more than two edits is another word */
    const char *near = NULL;

    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(word, known[i]);
        if (d < best && d < strlen(known[i])) {
            best = d;
            near = known[i];
        }
    }
    if (near)
        err_hint(err, "did you mean '%s'?", near);
    return false;
}

/* ---- scalars --------------------------------------------------------------------------------------*/

static bool is_null(const struct yaml_node *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (n->kind != YAML_SCALAR || !n->plain)
        return false;
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(n->value, words[i]) == 0)
            return true;
    return false;
}

static bool is_bool(const char *s)
{
    static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE",
                                        "yes",  "Yes",  "YES",  "no",    "No",    "NO"};

    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    return false;
}

static bool is_real(const char *s)
{
    char *end = NULL;

    if (strspn(s, "0123456789.eE+-") != strlen(s) || !*s)
        return false;
    errno = 0;
    double d = strtod(s, &end);
    return !*end && errno == 0 && isfinite(d);
}

static bool check_uint(const struct yaml_doc *doc, const struct yaml_node *n,
                       const cyaml_schema_value_t *v, struct err *err)
{
    uint64_t max = v->data_size >= 8 ? UINT64_MAX : ((uint64_t)1 << (8 * v->data_size)) - 1;
    uint64_t got;

    /* A leading zero would be octal for libcyaml and decimal for everybody else. */
    bool octal = n->value[0] == '0' && n->value[1];
    if (octal || !span_u64(span_of(n->value), &got))
        return ydoc_fail(doc, n, err, "'%s' must be a whole number, not '%s'", node_name(n),
                         n->value);
    if (got > max)
        return ydoc_fail(doc, n, err, "'%s' is at most %llu, not %s", node_name(n),
                         (unsigned long long)max, n->value);
    return true;
}

static bool check_scalar(const struct yaml_doc *doc, const struct yaml_node *n,
                         const cyaml_schema_value_t *v, struct err *err)
{
    if (n->kind != YAML_SCALAR)
        return ydoc_fail(doc, n, err, "'%s' must be a single value, not a %s", node_name(n),
                         n->kind == YAML_MAP ? "mapping" : "list");
    if (is_null(n)) {
        ydoc_fail(doc, n, err, "'%s' has no value", node_name(n));
        return err_hint(err, "give one, or leave the key out");
    }
    if (v->type == CYAML_BOOL && !is_bool(n->value))
        return ydoc_fail(doc, n, err, "'%s' must be true or false, not '%s'", node_name(n),
                         n->value);
    if (v->type == CYAML_FLOAT && !is_real(n->value))
        return ydoc_fail(doc, n, err, "'%s' must be a number, not '%s'", node_name(n), n->value);
    if (v->type == CYAML_UINT)
        return check_uint(doc, n, v, err);
    return true;
}

/* ---- mappings and lists ---------------------------------------------------------------------------*/

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *key)
{
    for (; fields->key; fields++)
        if (strcmp(fields->key, key) == 0)
            return fields;
    return NULL;
}

static bool unknown_key(const struct yaml_doc *doc, const struct yaml_node *n,
                        const cyaml_schema_field_t *fields, struct err *err)
{
    const char *known[64];
    size_t count = 0;

    for (; fields->key && count < COUNT(known); fields++)
        known[count++] = fields->key;
    ydoc_fail(doc, n, err, "unknown key '%s'", n->key);
    return ydoc_hint_near(err, n->key, known, count);
}

static bool check_map(const struct yaml_doc *doc, const struct yaml_node *n,
                      const cyaml_schema_value_t *v, struct err *err)
{
    if (n->kind != YAML_MAP)
        return ydoc_fail(doc, n, err, "'%s' must be a mapping of keys to values", node_name(n));
    for (const struct yaml_node *c = n->child; c; c = c->next) {
        const cyaml_schema_field_t *f = find_field(v->mapping.fields, c->key);
        if (!f)
            return unknown_key(doc, c, v->mapping.fields, err);
        if (!check_value(doc, c, &f->value, err))
            return false;
    }
    for (const cyaml_schema_field_t *f = v->mapping.fields; f->key; f++)
        if (!(f->value.flags & CYAML_FLAG_OPTIONAL) && !ydoc_key(n, f->key))
            return ydoc_fail(doc, n, err, "key '%s' is missing in %s%s%s", f->key, n->up ? "'" : "",
                             node_name(n), n->up ? "'" : "");
    return true;
}

static bool check_list(const struct yaml_doc *doc, const struct yaml_node *n,
                       const cyaml_schema_value_t *v, struct err *err)
{
    if (n->kind != YAML_LIST)
        return ydoc_fail(doc, n, err, "'%s' must be a list", node_name(n));
    if (n->count < v->sequence.min)
        return ydoc_fail(doc, n, err, "'%s' is an empty list", node_name(n));
    for (const struct yaml_node *c = n->child; c; c = c->next)
        if (!check_value(doc, c, v->sequence.entry, err))
            return false;
    return true;
}

static bool check_value(const struct yaml_doc *doc, const struct yaml_node *n,
                        const cyaml_schema_value_t *v, struct err *err)
{
    if (v->type == CYAML_MAPPING)
        return check_map(doc, n, v, err);
    if (v->type == CYAML_SEQUENCE)
        return check_list(doc, n, v, err);
    if (v->type == CYAML_IGNORE)
        return true; /* read from the tree by its user */
    return check_scalar(doc, n, v, err);
}

bool ydoc_check(const struct yaml_doc *doc, const cyaml_schema_value_t *schema, struct err *err)
{
    return check_value(doc, doc->root, schema, err);
}

/* ---- paths ----------------------------------------------------------------------------------------*/

/* Takes "." and "//" out. ".." stays: behind a link it does not mean what the text says. */
static bool path_tidy(const char *path, struct buf *out)
{
    struct span rest = span_of(path), part;

    while (span_split(&rest, '/', &part)) {
        if (!part.len || span_is(part, "."))
            continue;
        buf_putc(out, '/');
        buf_span(out, part);
    }
    if (!out->len)
        buf_putc(out, '/');
    return !out->failed;
}

bool ydoc_path_absolute(const char *file, char **path, struct err *err)
{
    AUTO(buf) struct buf whole = {0}, tidy = {0};

    if (!*path)
        return true;
    if (**path != '/') {
        const char *slash = strrchr(file, '/');

        if (*file != '/') {
            AUTO(free) char *cwd = getcwd(NULL, 0);
            if (!cwd)
                return err_sys(err, ERR_IO, "cannot tell the current directory");
            buf_printf(&whole, "%s/", cwd);
        }
        if (slash)
            buf_add(&whole, file, (size_t)(slash - file));
        buf_putc(&whole, '/');
    }
    buf_puts(&whole, *path);
    if (!buf_ok(&whole, err) || !path_tidy(buf_str(&whole), &tidy))
        return err_memory(err);
    char *made = buf_take(&tidy);
    if (!made)
        return err_memory(err);
    free(*path);
    *path = made;
    return true;
}
