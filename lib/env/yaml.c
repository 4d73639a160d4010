#include "lib/env/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "lib/base/buf.h"

/* ---- the tree -----------------------------------------------------------------------------------*/

static void node_free(struct yaml_node *n)
{
    while (n) {
        struct yaml_node *next = n->next;

        node_free(n->child); /* at most YAML_MAX_DEPTH deep */
        free(n->key);
        free(n->value);
        free(n);
        n = next;
    }
}

void ydoc_close(struct yaml_doc *doc)
{
    if (!doc)
        return;
    node_free(doc->root);
    free(doc);
}

const struct yaml_node *ydoc_key(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *c = map->child; c; c = c->next)
        if (strcmp(c->key, key) == 0)
            return c;
    return NULL;
}

const struct yaml_node *ydoc_item(const struct yaml_node *list, unsigned index)
{
    if (!list || list->kind != YAML_LIST)
        return NULL;
    const struct yaml_node *c = list->child;
    while (c && index--)
        c = c->next;
    return c;
}

bool ydoc_fail(const struct yaml_doc *doc, const struct yaml_node *at, struct err *err,
               const char *fmt, ...)
{
    AUTO(buf) struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (!at || !at->line)
        return err_set(err, ERR_CONFIG, "%s: %s", doc->path, buf_str(&text));
    return err_set(err, ERR_CONFIG, "%s:%u: %s", doc->path, at->key ? at->key_line : at->line,
                   buf_str(&text));
}

/* ---- reading events -------------------------------------------------------------------------------*/

struct reader {
    yaml_parser_t parser;
    struct yaml_doc *doc;
    struct yaml_node *open; /* the mapping or list that is being filled */
    unsigned depth;
    char *key; /* read, its value is to come */
    unsigned key_line;
    unsigned documents;
};

static bool fail_line(const struct reader *r, size_t line, struct err *err, const char *what)
{
    return err_set(err, ERR_CONFIG, "%s:%zu: %s", r->doc->path, line + 1, what);
}

/* Puts a new node where the reader stands. */
static struct yaml_node *node_add(struct reader *r, enum yaml_kind kind, size_t line,
                                  struct err *err)
{
    struct yaml_node *up = r->open;

    if (up && up->count >= YAML_MAX_CHILDREN) {
        fail_line(r, line, err, "more entries than any real file has");
        return NULL;
    }
    struct yaml_node *n = calloc(1, sizeof(*n));
    if (!n) {
        err_memory(err);
        return NULL;
    }
    n->kind = kind;
    n->line = (unsigned)line + 1;
    n->key = TAKE(r->key);
    n->key_line = r->key_line;
    n->up = up;
    if (!up) {
        r->doc->root = n;
        return n;
    }
    if (up->last)
        up->last->next = n;
    else
        up->child = n;
    up->last = n;
    up->count++;
    return n;
}

static bool take_key(struct reader *r, const yaml_event_t *ev, struct err *err)
{
    const char *text = (const char *)ev->data.scalar.value;
    unsigned line = (unsigned)ev->start_mark.line + 1;
    const struct yaml_node *seen = ydoc_key(r->open, text);

    if (seen)
        return err_set(err, ERR_CONFIG, "%s:%u: key '%s' is given twice, first in line %u",
                       r->doc->path, line, text, seen->key_line);
    r->key = strdup(text);
    r->key_line = line;
    return r->key || err_memory(err);
}

static bool take_scalar(struct reader *r, const yaml_event_t *ev, struct err *err)
{
    size_t line = ev->start_mark.line;

    if (ev->data.scalar.anchor || ev->data.scalar.tag)
        return fail_line(r, line, err, "anchors and tags are not read");
    if (memchr(ev->data.scalar.value, 0, ev->data.scalar.length))
        return fail_line(r, line, err, "a NUL byte stands in a value");
    if (r->open && r->open->kind == YAML_MAP && !r->key)
        return take_key(r, ev, err);
    struct yaml_node *n = node_add(r, YAML_SCALAR, line, err);
    if (!n)
        return false;
    n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->value = strdup((const char *)ev->data.scalar.value);
    return n->value || err_memory(err);
}

static bool open_node(struct reader *r, enum yaml_kind kind, bool marked, size_t line,
                      struct err *err)
{
    if (marked)
        return fail_line(r, line, err, "anchors and tags are not read");
    if (r->open && r->open->kind == YAML_MAP && !r->key)
        return fail_line(r, line, err, "a key is not plain text");
    if (++r->depth > YAML_MAX_DEPTH)
        return fail_line(r, line, err, "nested deeper than any real file is");
    struct yaml_node *n = node_add(r, kind, line, err);
    if (!n)
        return false;
    r->open = n;
    return true;
}

static void close_node(struct reader *r)
{
    r->depth--;
    r->open = r->open->up;
}

static bool take_event(struct reader *r, const yaml_event_t *ev, struct err *err)
{
    size_t line = ev->start_mark.line;

    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++r->documents == 1 || fail_line(r, line, err, "a second document begins");
    case YAML_ALIAS_EVENT:
        return fail_line(r, line, err, "aliases are not read");
    case YAML_SCALAR_EVENT:
        return take_scalar(r, ev, err);
    case YAML_MAPPING_START_EVENT:
        return open_node(r, YAML_MAP, ev->data.mapping_start.anchor || ev->data.mapping_start.tag,
                         line, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(r, YAML_LIST,
                         ev->data.sequence_start.anchor || ev->data.sequence_start.tag, line, err);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        close_node(r);
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    default:
        return true;
    }
}

static bool parser_error(const struct reader *r, struct err *err)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not YAML";

    if (p->error == YAML_MEMORY_ERROR)
        return err_memory(err);
    if (p->error == YAML_READER_ERROR)
        return err_set(err, ERR_CONFIG, "%s: not text at byte %zu: %s", r->doc->path,
                       p->problem_offset, problem);
    err_set(err, ERR_CONFIG, "%s:%zu: not YAML: %s", r->doc->path, p->problem_mark.line + 1,
            problem);
    if (p->context)
        err_hint(err, "%s that begins in line %zu", p->context, p->context_mark.line + 1);
    return false;
}

static bool read_events(struct reader *r, struct err *err)
{
    for (bool more = true; more;) {
        yaml_event_t ev;

        if (!yaml_parser_parse(&r->parser, &ev))
            return parser_error(r, err);
        more = ev.type != YAML_STREAM_END_EVENT;
        bool ok = take_event(r, &ev, err);
        yaml_event_delete(&ev);
        if (!ok)
            return false;
    }
    return true;
}

bool ydoc_open(struct span text, const char *path, struct yaml_doc **out, struct err *err)
{
    struct reader r = {0};

    if (text.len > YAML_MAX_BYTES)
        return err_set(err, ERR_CONFIG, "%s: larger than any real file of this kind (%zu bytes)",
                       path, text.len);
    AUTO(yaml_doc) struct yaml_doc *doc = calloc(1, sizeof(*doc));
    if (!doc)
        return err_memory(err);
    doc->path = path;
    r.doc = doc;
    if (!yaml_parser_initialize(&r.parser))
        return err_memory(err);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.at, text.len);
    bool ok = read_events(&r, err);
    yaml_parser_delete(&r.parser);
    free(r.key);
    if (!ok)
        return false;
    if (!doc->root || (doc->root->kind == YAML_SCALAR && !*doc->root->value))
        return err_set(err, ERR_CONFIG, "%s: the file is empty", path);
    *out = TAKE(doc);
    return true;
}

/* ---- libcyaml -------------------------------------------------------------------------------------*/

struct capture {
    char first[200]; /* what was wrong */
    char place[200]; /* innermost line of the backtrace */
};

static void capture_log(cyaml_log_t level, void *ctx, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static void capture_log(cyaml_log_t level, void *ctx, const char *fmt, va_list ap)
{
    struct capture *c = ctx;
    char line[200];

    (void)level;
    vsnprintf(line, sizeof(line), fmt, ap);
    line[strcspn(line, "\n")] = '\0';
    if (!*c->first)
        memcpy(c->first, line, sizeof(line));
    else if (!*c->place && !strstr(line, "Backtrace"))
        memcpy(c->place, line, sizeof(line));
}

static cyaml_config_t cyaml_conf(struct capture *c)
{
    return (cyaml_config_t){.log_fn = capture_log,
                            .log_ctx = c,
                            .mem_fn = cyaml_mem,
                            .log_level = CYAML_LOG_WARNING,
                            .flags = CYAML_CFG_NO_ALIAS};
}

bool ydoc_fill(const struct yaml_doc *doc, struct span text, const cyaml_schema_value_t *schema,
               void **out, struct err *err)
{
    struct capture seen = {0};
    cyaml_config_t conf = cyaml_conf(&seen);
    cyaml_data_t *data = NULL;

    if (!ydoc_check(doc, schema, err))
        return false;
    cyaml_err_t e = cyaml_load_data((const uint8_t *)text.at, text.len, &conf, schema, &data, NULL);
    if (e == CYAML_ERR_OOM)
        return err_memory(err);
    if (e != CYAML_OK || !data)
        return err_set(err, ERR_CONFIG, "%s: %s%s", doc->path,
                       *seen.first ? seen.first : cyaml_strerror(e), seen.place);
    *out = data;
    return true;
}

void ydoc_free(const cyaml_schema_value_t *schema, void *data)
{
    struct capture seen = {0};
    cyaml_config_t conf = cyaml_conf(&seen);

    if (data)
        cyaml_free(&conf, schema, data, 0);
}
