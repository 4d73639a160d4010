#include "restore/pg_select.h"

#include <ctype.h>

#include "lib/sql/split.h"
#include "restore/only.h"
#include "restore/pg.h"
#include "restore/pg_select_parse.h"
#include "restore/pg_text.h"

struct pg_select {
    const struct pg_select_conf *conf;
    struct sel_text text;
    struct span pre_data, post_data;
    json_t *selected, *needed, *left_out;
    json_t *extension_schemas; /* of the extensions that are kept, as keys */
    bool changed;
};

void pg_select_free(struct pg_select *s)
{
    if (!s)
        return;
    sel_text_done(&s->text);
    json_decref(s->selected);
    json_decref(s->needed);
    json_decref(s->left_out);
    json_decref(s->extension_schemas);
    free(s);
}

static struct sel_name *name_at(const struct pg_select *s, size_t at)
{
    return sel_name(&s->text, at);
}

static bool is_wanted(const struct pg_select *s, size_t at)
{
    const struct sel_name *n = name_at(s, at);

    return n && n->wanted;
}

/* ---- what is selected --------------------------------------------------------------------------*/

static bool matches(const struct only_part *part, const struct sel_name *n)
{
    if (!n->made)
        return false;
    if (!*n->schema)
        return !part->name.at && strncmp(n->name, "schema ", 7) == 0 &&
               only_match(part->schema, span_of(n->name + 7));
    return only_match(part->schema, span_of(n->schema)) &&
           (!part->name.at || only_match(part->name, span_of(n->name)));
}

static void choose(struct pg_select *s, struct only_part *part)
{
    struct sel_name *n = s->text.names.at;

    for (size_t i = 0; i < s->text.names.count; i++)
        if (matches(part, &n[i])) {
            part->found = true;
            n[i].selected = n[i].wanted = n[i].whole = true;
        }
}

/* "schema.name" of every table, view and sequence, and every schema. */
static bool unknown(struct pg_select *s, const struct only_part *part, struct err *err)
{
    const struct sel_name *n = s->text.names.at;
    size_t count = 0;
    char **names = calloc(s->text.names.count + 1, sizeof(*names));

    for (size_t i = 0; names && i < s->text.names.count; i++) {
        bool schema = !*n[i].schema && strncmp(n[i].name, "schema ", 7) == 0;
        if (!n[i].made || (!schema && !n[i].relation))
            continue;
        if (schema)
            names[count] = strdup(n[i].name + 7);
        else if (asprintf(&names[count], "%s.%s", n[i].schema, n[i].name) < 0)
            names[count] = NULL;
        count += names[count] != NULL;
    }
    bool ok = names ? only_unknown(s->conf->component, part, (const char *const *)names, count, err)
                    : err_memory(err);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return ok;
}

static bool choose_all(struct pg_select *s, struct err *err)
{
    struct only_part *part = s->conf->parts->at;

    for (size_t i = 0; i < s->conf->parts->count; i++) {
        choose(s, &part[i]);
        if (!part[i].found)
            return unknown(s, &part[i], err);
    }
    return true;
}

/* ---- what it needs -----------------------------------------------------------------------------*/

static void want(struct pg_select *s, size_t at, bool whole)
{
    struct sel_name *n = name_at(s, at);

    if (!n || (n->wanted && (n->whole || !whole)))
        return;
    s->changed = true;
    n->wanted = true;
    n->whole |= whole;
}

static bool holds(const struct vec *v, size_t at)
{
    const size_t *list = v->at;

    for (size_t i = 0; i < v->count; i++)
        if (list[i] == at)
            return true;
    return false;
}

static void keep(struct pg_select *s, struct sel_statement *st)
{
    const size_t *name = st->names.at, *body = st->body.at;

    s->changed |= !st->kept;
    st->kept = true;
    want(s, st->extra, true);
    if (st->kind == SEL_FOREIGN_KEY || st->kind == SEL_ATTACH || st->kind == SEL_OWNED)
        return; /* both sides are there */
    for (size_t i = 0; i < st->names.count; i++)
        if (name[i] != st->subject)
            want(s, name[i], !holds(&st->parents, name[i]));
    for (size_t i = 0; i < st->body.count; i++)
        if (s->conf->references || !name_at(s, body[i])->relation)
            want(s, body[i], true);
}

/* All of those that a statement makes: built-in types are always there. */
static bool all_wanted(const struct pg_select *s, const struct vec *names)
{
    const size_t *at = names->at;
    bool any = false;

    for (size_t i = 0; i < names->count; i++) {
        if (!name_at(s, at[i])->made)
            continue;
        any = true;
        if (!is_wanted(s, at[i]))
            return false;
    }
    return any;
}

/* A partition needs what it is a part of; a whole table needs its partitions. */
static bool attached(struct pg_select *s, const struct sel_statement *st)
{
    const struct sel_name *parent = name_at(s, st->subject), *child = name_at(s, st->other);

    if (!parent || !child)
        return false;
    if (parent->relation && parent->whole)
        want(s, st->other, true);
    if (child->relation && child->wanted)
        want(s, st->subject, false);
    return parent->wanted && child->wanted;
}

static void whole_children(struct pg_select *s, const struct sel_statement *st)
{
    const size_t *parent = st->parents.at;

    for (size_t i = 0; st->kind == SEL_MAKES && i < st->parents.count; i++)
        if (name_at(s, parent[i])->whole)
            want(s, st->subject, true);
}

static bool extension_wanted(struct pg_select *s, const struct sel_statement *st)
{
    const char *name = name_at(s, st->subject)->name + strlen("extension ");

    if (json_object_get(s->conf->offered, name))
        want(s, st->subject, true);
    return is_wanted(s, st->subject);
}

static bool foreign_key(struct pg_select *s, const struct sel_statement *st)
{
    if (s->conf->references && is_wanted(s, st->subject))
        want(s, st->other, true);
    return is_wanted(s, st->subject) && is_wanted(s, st->other);
}

static bool is_kept(struct pg_select *s, const struct sel_statement *st)
{
    const struct sel_name *subject = name_at(s, st->subject), *gate = name_at(s, st->gate);

    whole_children(s, st);
    if (gate && gate->made && !gate->wanted)
        return false;
    switch (st->kind) {
    case SEL_ALWAYS:
        return true;
    case SEL_FOREIGN_KEY:
        return foreign_key(s, st);
    case SEL_ATTACH:
        return attached(s, st);
    case SEL_OWNED:
        if (is_wanted(s, st->other))
            want(s, st->subject, true);
        return is_wanted(s, st->subject) && is_wanted(s, st->other);
    case SEL_CAST:
        return all_wanted(s, &st->parents);
    case SEL_EXTENSION:
        return extension_wanted(s, st);
    case SEL_DEFAULTS:
        return subject && subject->selected;
    case SEL_NEVER:
        return false;
    case SEL_MAKES:
    case SEL_ABOUT:
        break;
    }
    if (is_wanted(s, st->extra) &&
        !is_wanted(s, st->subject)) /* a sequence of an identity, an index that is named */
        want(s, st->subject, true);
    return is_wanted(s, st->subject);
}

/* The schemas of what is wanted; what no statement makes may be an extension's. */
static bool want_schemas(struct pg_select *s, struct err *err)
{
    const struct sel_name *n = s->text.names.at;

    for (size_t i = 0; i < s->text.names.count; i++) {
        AUTO(buf) struct buf name = {0};
        if (!n[i].wanted || !*n[i].schema)
            continue;
        buf_printf(&name, "schema %s", n[i].schema);
        if (!buf_ok(&name, err))
            return false;
        if (n[i].made)
            want(s, sel_find(&s->text, "", buf_view(&name)), false);
        else if (strcmp(n[i].schema, "pg_catalog") != 0 &&
                 json_object_set_new_nocheck(s->extension_schemas, n[i].schema, json_true()) != 0)
            return err_memory(err);
    }
    return true;
}

/* WITH SCHEMA s of CREATE EXTENSION: the last token. */
static bool schema_of_extension(const struct sel_statement *st, struct buf *out)
{
    struct span rest = st->text, token, last = {0};

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END)
        last = token;
    return pg_name(last, out);
}

static void want_extensions(struct pg_select *s)
{
    struct sel_statement *st = s->text.statements.at;

    for (size_t i = 0; i < s->text.statements.count; i++) {
        AUTO(buf) struct buf schema = {0}, name = {0};
        if (st[i].kind != SEL_EXTENSION || !schema_of_extension(&st[i], &schema))
            continue;
        if (json_object_get(s->extension_schemas, buf_str(&schema)))
            want(s, st[i].subject, true);
        buf_printf(&name, "schema %s", buf_str(&schema));
        if (st[i].kept)
            want(s, sel_find(&s->text, "", buf_view(&name)), false);
    }
}

static bool follow(struct pg_select *s, struct err *err)
{
    struct sel_statement *st = s->text.statements.at;

    do {
        s->changed = false;
        for (size_t i = 0; i < s->text.statements.count; i++)
            if (is_kept(s, &st[i]))
                keep(s, &st[i]);
        if (!want_schemas(s, err))
            return false;
        want_extensions(s);
    } while (s->changed);
    return true;
}

/* ---- what is left out --------------------------------------------------------------------------*/

static bool leave_out(struct pg_select *s, const struct buf *what, const char *why, struct err *err)
{
    return (!what->failed &&
            json_array_append_new(s->left_out, json_pack("{s:o, s:s}", "what",
                                                         json_bytes(buf_view(what)), "why", why)) ==
                0) ||
           err_memory(err);
}

/* "publication news": what stands between CREATE and how it is made. */
static void title_of(struct span text, struct buf *out)
{
    struct span rest = text, token;

    sql_token_next(SQL_POSTGRESQL, &rest, &token);
    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) == SQL_WORD ||
           (token.len && *token.at == '"')) {
        if (span_is(token, "WITH") || span_is(token, "FOR") || span_is(token, "ON"))
            return;
        buf_puts(out, out->len ? " " : "");
        for (size_t i = 0; i < token.len; i++)
            buf_putc(out, *token.at == '"' ? token.at[i] : (char)tolower(token.at[i]));
    }
}

static bool leave_key(struct pg_select *s, const struct sel_statement *st, struct err *err)
{
    const struct sel_name *from = name_at(s, st->subject), *to = name_at(s, st->other),
                          *key = name_at(s, st->extra);
    AUTO(buf) struct buf what = {0};

    if (!from || !from->wanted || !to || !key)
        return true;
    buf_printf(&what, "foreign key%s of %s.%s to %s.%s", strrchr(key->name, ' '), from->schema,
               from->name, to->schema, to->name);
    return leave_out(s, &what, "the table it points to is not selected", err);
}

static bool leave_bodies(struct pg_select *s, const struct sel_statement *st, struct err *err)
{
    const size_t *at = st->body.at;

    for (size_t i = 0; i < st->body.count; i++) {
        const struct sel_name *n = name_at(s, at[i]), *by = name_at(s, st->subject);
        AUTO(buf) struct buf what = {0};
        if (!n->relation || n->wanted || !by)
            continue;
        buf_printf(&what, "%s.%s, named in the body of %s.%s", n->schema, n->name, by->schema,
                   by->name);
        if (!leave_out(s, &what, "tables that a body names are not followed", err))
            return false;
    }
    return true;
}

static bool leave_statement(struct pg_select *s, const struct sel_statement *st, struct err *err)
{
    AUTO(buf) struct buf what = {0};

    if (st->kept)
        return leave_bodies(s, st, err);
    if (st->kind == SEL_FOREIGN_KEY)
        return leave_key(s, st, err);
    bool large = sql_starts(SQL_POSTGRESQL, st->text, "select");
    if (st->kind != SEL_NEVER || (!large && !sql_starts(SQL_POSTGRESQL, st->text, "create")))
        return true;
    title_of(st->text, &what);
    return large || leave_out(s, &what, "it is of the whole database", err);
}

/* Every large object is a statement of its own: they are counted. */
static bool leave_large(struct pg_select *s, struct err *err)
{
    const struct sel_statement *st = s->text.statements.at;
    AUTO(buf) struct buf what = {0};
    size_t count = 0;

    for (size_t i = 0; i < s->text.statements.count; i++)
        count += st[i].kind == SEL_NEVER && sql_starts(SQL_POSTGRESQL, st[i].text, "select");
    if (!count)
        return true;
    buf_printf(&what, "%zu large object%s", count, count == 1 ? "" : "s");
    return leave_out(s, &what, "nothing says which table they belong to", err);
}

static bool report(struct pg_select *s, struct err *err)
{
    const struct sel_name *n = s->text.names.at;
    const struct sel_statement *st = s->text.statements.at;

    for (size_t i = 0; i < s->text.names.count; i++) {
        AUTO(buf) struct buf name = {0};
        if (!n[i].wanted || !n[i].made || !*n[i].schema || !n[i].relation)
            continue;
        buf_printf(&name, "%s.%s", n[i].schema, n[i].name);
        if (json_array_append_new(n[i].selected ? s->selected : s->needed,
                                  json_bytes(buf_view(&name))) != 0)
            return err_memory(err);
    }
    for (size_t i = 0; i < s->text.statements.count; i++)
        if (!leave_statement(s, &st[i], err))
            return false;
    return leave_large(s, err);
}

/* ---- the whole ---------------------------------------------------------------------------------*/

bool pg_select_new(const struct pg_select_conf *conf, struct pg_select **out, struct err *err)
{
    AUTO(pg_select) struct pg_select *s = calloc(1, sizeof(*s));

    if (!s)
        return err_memory(err);
    s->conf = conf;
    s->pre_data = conf->pre_data;
    s->post_data = conf->post_data;
    s->selected = json_array();
    s->needed = json_array();
    s->left_out = json_array();
    s->extension_schemas = json_object();
    if (!s->selected || !s->needed || !s->left_out || !s->extension_schemas)
        return err_memory(err);
    if (!sel_text_read(&s->text, conf->pre_data, false, err) ||
        !sel_text_read(&s->text, conf->post_data, true, err) || !choose_all(s, err) ||
        !follow(s, err) || !report(s, err))
        return false;
    s->conf = NULL;
    *out = TAKE(s);
    return true;
}

bool pg_select_table(const struct pg_select *s, const char *schema, const char *table, bool config)
{
    return is_wanted(s, sel_find(&s->text, schema, span_of(table))) ||
           (config && json_object_get(s->extension_schemas, schema));
}

json_t *pg_select_report(const struct pg_select *s)
{
    return json_pack("{s:O, s:O, s:O}", "selected", s->selected, "needed", s->needed, "left_out",
                     s->left_out);
}

static bool cut(const struct pg_select *s, struct span text, bool post, struct buf *out,
                struct err *err)
{
    const struct sel_statement *st = s->text.statements.at;
    const char *at = text.at, *end = text.at + text.len;

    for (size_t i = 0; i < s->text.statements.count; i++) {
        if (st[i].post != post || st[i].kept)
            continue;
        const char *behind = st[i].text.at + st[i].text.len;
        const char *semicolon = memchr(behind, ';', (size_t)(end - behind));
        buf_add(out, at, (size_t)(st[i].text.at - at));
        at = semicolon ? semicolon + 1 : end;
        pg_text_blank((struct span){st[i].text.at, (size_t)(at - st[i].text.at)}, out);
    }
    buf_add(out, at, (size_t)(end - at));
    return buf_ok(out, err);
}

bool pg_select_pre_data(const struct pg_select *s, struct buf *out, struct err *err)
{
    return cut(s, s->pre_data, false, out, err);
}

bool pg_select_post_data(const struct pg_select *s, struct buf *out, struct err *err)
{
    return cut(s, s->post_data, true, out, err);
}

/* SELECT pg_catalog.setval('"schema"."name"', ...) */
static bool sequence_wanted(const struct pg_select *s, struct span sql)
{
    struct span rest = sql, token;
    AUTO(buf) struct buf plain = {0}, schema = {0}, name = {0};

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END && *token.at != '\'') {
    }
    for (size_t i = 1; i + 1 < token.len; i++) {
        buf_putc(&plain, token.at[i]);
        i += token.at[i] == '\'';
    }
    rest = buf_view(&plain);
    sql_token_next(SQL_POSTGRESQL, &rest, &token);
    pg_name(token, &schema);
    sql_token_next(SQL_POSTGRESQL, &rest, &token);
    sql_token_next(SQL_POSTGRESQL, &rest, &token);
    pg_name(token, &name);
    return is_wanted(s, sel_find(&s->text, buf_str(&schema), buf_view(&name)));
}

bool pg_select_sequences(const struct pg_select *s, struct span text, struct buf *out,
                         struct err *err)
{
    struct sql_splitter split;
    struct sql_statement st;
    bool more = true;

    buf_puts(out, "");
    sql_split_init(&split, SQL_POSTGRESQL, text);
    while (sql_split_next(&split, &st, &more, err)) {
        if (!more)
            return buf_ok(out, err);
        if (!sequence_wanted(s, st.text))
            continue;
        buf_span(out, st.text);
        buf_puts(out, ";\n");
    }
    return err_add(err, "sequences.sql");
}
