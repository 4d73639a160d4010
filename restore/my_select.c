#include "restore/my_select.h"

#include <stdlib.h>

#include "lib/base/vec.h"
#include "lib/sql/split.h"
#include "restore/my.h"
#include "restore/only.h"

enum kind { TABLE, SEQUENCE, VIEW, ROUTINE, TRIGGER, EVENT };

struct object {
    enum kind kind;
    char *name, *create;
    const json_t *meta; /* of a table: its stream's */
    size_t table;       /* of a trigger: its table; SIZE_MAX: none */
    bool selected, wanted;
};

struct my_select {
    const char *component;
    char *database; /* as it was captured */
    struct vec objects;
    json_t *relations, *routines; /* name to place */
    json_t *selected, *needed, *left_out;
    bool references, changed, telling;
};

void my_select_free(struct my_select *s)
{
    if (!s)
        return;
    struct object *o = s->objects.at;
    for (size_t i = 0; i < s->objects.count; i++) {
        free(o[i].name);
        free(o[i].create);
    }
    vec_done(&s->objects);
    free(s->database);
    json_decref(s->relations);
    json_decref(s->routines);
    json_decref(s->selected);
    json_decref(s->needed);
    json_decref(s->left_out);
    free(s);
}

static struct object *find(const struct my_select *s, const json_t *index, const char *name)
{
    const json_t *at = json_object_get(index, name);

    return at ? (struct object *)s->objects.at + json_integer_value(at) : NULL;
}

/* ---- what there is -----------------------------------------------------------------------------*/

static bool add(struct my_select *s, enum kind kind, const json_t *meta, const char *name_key,
                struct err *err)
{
    struct object *o = vec_add(&s->objects, err);
    json_t *index = kind == ROUTINE ? s->routines : kind <= VIEW ? s->relations : NULL;

    if (!o)
        return false;
    o->kind = kind;
    o->meta = meta;
    o->table = SIZE_MAX;
    o->name = my_meta_text(meta, name_key, NULL, err);
    o->create = o->name ? my_meta_text(meta, "create", NULL, err) : NULL;
    if (!o->create)
        return false;
    /* A package and its body have one name: the first stands for both. */
    return !index || json_object_get(index, o->name) ||
           json_object_set_new_nocheck(index, o->name,
                                       json_integer((json_int_t)s->objects.count - 1)) == 0 ||
           err_memory(err);
}

static bool add_list(struct my_select *s, struct bundle *bundle, const char *file, const char *key,
                     enum kind kind, struct err *err)
{
    AUTO(free) char *name = stream_name(s->component, NULL, file);
    const struct stream *stream = name ? bundle_find(bundle, name) : NULL;
    const json_t *list = stream ? json_object_get(stream->meta, key) : NULL, *o;
    size_t i;

    if (!name)
        return err_memory(err);
    json_array_foreach(list, i, o) if (!add(s, kind, o, "name", err)) return false;
    return true;
}

static bool add_all(struct my_select *s, struct bundle *bundle, struct err *err)
{
    size_t count = 0;
    const struct stream *all = bundle_streams(bundle, &count);

    for (size_t i = 0; i < count; i++)
        if (all[i].kind == STREAM_COLUMNS && strcmp(all[i].component, s->component) == 0 &&
            !add(s, TABLE, all[i].meta, "table", err))
            return err_add(err, "stream '%s'", all[i].name);
    return add_list(s, bundle, "sequences.sql", "sequences", SEQUENCE, err) &&
           add_list(s, bundle, "views.sql", "objects", VIEW, err) &&
           add_list(s, bundle, "routines.sql", "objects", ROUTINE, err) &&
           add_list(s, bundle, "triggers.sql", "objects", TRIGGER, err) &&
           add_list(s, bundle, "events.sql", "objects", EVENT, err);
}

/* ---- reading a definition ----------------------------------------------------------------------*/

struct reader {
    struct span rest, token, before, second; /* the last tokens but one and two */
    enum sql_token kind;
    struct buf name; /* of the token when it is an identifier, else empty */
};

static bool next(struct reader *r)
{
    r->second = r->before;
    r->before = r->token;
    r->kind = sql_token_next(SQL_MARIADB, &r->rest, &r->token);
    buf_clear(&r->name);
    bool quoted = r->kind == SQL_QUOTED_NAME ||
                  (r->kind == SQL_STRING && r->token.len > 1 && *r->token.at == '"');
    if (!quoted && r->kind != SQL_WORD)
        return r->kind != SQL_END;
    for (size_t i = quoted; i + quoted < r->token.len; i++) {
        buf_putc(&r->name, r->token.at[i]);
        i += quoted && r->token.at[i] == *r->token.at;
    }
    return true;
}

static bool followed_by(const struct reader *r, const char *punct)
{
    struct span rest = r->rest, token;

    return sql_token_next(SQL_MARIADB, &rest, &token) == SQL_PUNCT && span_is(token, punct);
}

/* `token` as written, in quotes or not. */
static bool names(struct span token, const char *name)
{
    if (token.len > 1 && *token.at == '`')
        token = (struct span){token.at + 1, token.len - 2};
    return span_is(token, name);
}

/* The last identifier of a possibly qualified name that stands behind `word`. */
static bool name_behind(struct reader *r, const char *word)
{
    while (next(r))
        if (r->kind == SQL_WORD && span_is_nocase(r->token, word))
            break;
    while (next(r) && r->name.len && followed_by(r, "."))
        next(r);
    return r->name.len > 0;
}

static void tables_of_triggers(struct my_select *s)
{
    struct object *o = s->objects.at;

    for (size_t i = 0; i < s->objects.count; i++) {
        struct reader r = {.rest = span_of(o[i].create)};
        if (o[i].kind != TRIGGER)
            continue;
        /* CREATE ... TRIGGER name BEFORE INSERT ON table */
        if (name_behind(&r, "trigger") && name_behind(&r, "on")) {
            const struct object *t = find(s, s->relations, buf_str(&r.name));
            o[i].table = t ? (size_t)(t - (struct object *)s->objects.at) : SIZE_MAX;
        }
        buf_done(&r.name);
    }
}

/* ---- what it needs -----------------------------------------------------------------------------*/

static void want(struct my_select *s, struct object *o)
{
    if (!o || o->wanted)
        return;
    o->wanted = s->changed = true;
}

static bool leave_out(struct my_select *s, struct buf *what, const char *why, struct err *err)
{
    AUTO(json)
    json_t *one = json_pack("{s:o, s:s}", "what", json_bytes(buf_view(what)), "why", why);
    const json_t *known;
    size_t i;

    if (what->failed || !one)
        return err_memory(err);
    json_array_foreach(s->left_out, i, known) if (json_equal(known, one)) return true;
    return json_array_append(s->left_out, one) == 0 || err_memory(err);
}

/* A table or view that a body names. */
static bool named_in_body(struct my_select *s, const struct object *by, struct object *o,
                          struct err *err)
{
    AUTO(buf) struct buf what = {0};

    if (o->kind == SEQUENCE || s->references)
        want(s, o);
    if (o->wanted || !s->telling)
        return true;
    buf_printf(&what, "%s, named in the body of %s", o->name, by->name);
    return leave_out(s, &what, "tables that a body names are not followed", err);
}

static bool is_column(const struct my_select *s, const struct reader *r)
{
    return span_is(r->before, ".") && !names(r->second, s->database);
}

/* SHOW CREATE VIEW writes every column with its table: a bare name is a table or a function. */
static void view_needs(struct my_select *s, const struct reader *r)
{
    if (is_column(s, r) || followed_by(r, ".") || span_is_nocase(r->before, "as"))
        return;
    want(s, find(s, followed_by(r, "(") ? s->routines : s->relations, buf_str(&r->name)));
}

static bool needs(struct my_select *s, struct object *by, const struct reader *r, bool *merged,
                  struct err *err)
{
    struct object *relation = find(s, s->relations, buf_str(&r->name));
    struct object *routine = find(s, s->routines, buf_str(&r->name));

    if (by->kind == VIEW) {
        view_needs(s, r);
    } else if (by->kind == TABLE) {
        *merged |= span_is_nocase(r->token, "union");
        if (relation && (relation->kind == SEQUENCE || *merged))
            want(s, relation);
    } else {
        if (routine && !is_column(s, r))
            want(s, routine);
        if (relation && relation != by && !is_column(s, r))
            return named_in_body(s, by, relation, err);
    }
    return true;
}

static bool follow_object(struct my_select *s, struct object *o, struct err *err)
{
    struct reader r = {.rest = span_of(o->create)};
    bool ok = true, merged = false;

    while (ok && next(&r))
        if (r.name.len)
            ok = needs(s, o, &r, &merged, err);
    buf_done(&r.name);
    return ok;
}

static bool key_table(const json_t *text, struct buf *out)
{
    AUTO(free) char *sql = json_bytes_back(json_string_value(text), NULL);
    struct reader r = {.rest = span_of(sql)};
    bool found = sql && name_behind(&r, "references");

    buf_span(out, buf_view(&r.name));
    buf_done(&r.name);
    return found;
}

static bool follow_keys(struct my_select *s, const struct object *o, struct err *err)
{
    const json_t *keys = json_object_get(o->meta, "foreign_keys"), *key;
    size_t i;

    json_array_foreach(keys, i, key)
    {
        AUTO(buf) struct buf name = {0}, what = {0};
        struct object *to = key_table(key, &name) ? find(s, s->relations, buf_str(&name)) : NULL;

        if (s->references)
            want(s, to);
        if (!to || to->wanted || !s->telling)
            continue;
        buf_printf(&what, "foreign key of %s to %s", o->name, to->name);
        if (!leave_out(s, &what, "the table it points to is not selected", err))
            return false;
    }
    return true;
}

/* Triggers come with their tables, tables with their triggers, and all of a package's parts. */
static void follow_kin(struct my_select *s, struct object *o)
{
    struct object *all = s->objects.at;

    if (o->kind == TRIGGER && o->table != SIZE_MAX) {
        if (all[o->table].wanted)
            want(s, o);
        if (o->wanted)
            want(s, &all[o->table]);
    }
    if (o->kind == ROUTINE) {
        struct object *first = find(s, s->routines, o->name);
        if (first && first->wanted)
            want(s, o);
        if (o->wanted)
            want(s, first);
    }
}

static bool pass(struct my_select *s, struct err *err)
{
    struct object *o = s->objects.at;

    for (size_t i = 0; i < s->objects.count; i++) {
        follow_kin(s, &o[i]);
        if (o[i].wanted && (!follow_object(s, &o[i], err) || !follow_keys(s, &o[i], err)))
            return false;
    }
    return true;
}

static bool follow(struct my_select *s, struct err *err)
{
    do {
        s->changed = false;
        if (!pass(s, err))
            return false;
    } while (s->changed);
    s->telling = true;
    return pass(s, err);
}

/* ---- what is selected --------------------------------------------------------------------------*/

static bool unknown(struct my_select *s, const struct only_part *part, struct err *err)
{
    const struct object *o = s->objects.at;
    const char **all = calloc(s->objects.count + 1, sizeof(*all));

    for (size_t i = 0; all && i < s->objects.count; i++)
        all[i] = o[i].name;
    bool ok = all ? only_unknown(s->component, part, all, s->objects.count, err) : err_memory(err);
    free(all);
    return ok;
}

static bool choose(struct my_select *s, const struct vec *parts, struct err *err)
{
    struct only_part *part = parts->at;
    struct object *o = s->objects.at;

    for (size_t i = 0; i < parts->count; i++) {
        for (size_t j = 0; j < s->objects.count; j++)
            if (only_match(part[i].name, span_of(o[j].name)))
                part[i].found = o[j].selected = o[j].wanted = true;
        if (!part[i].found)
            return unknown(s, &part[i], err);
    }
    return true;
}

static bool report(struct my_select *s, struct err *err)
{
    const struct object *o = s->objects.at;

    for (size_t i = 0; i < s->objects.count; i++) {
        AUTO(buf) struct buf what = {0};
        json_t *list = o[i].selected ? s->selected : s->needed;

        if (o[i].kind == EVENT && !o[i].wanted) {
            buf_printf(&what, "event %s", o[i].name);
            if (!leave_out(s, &what, "it is of the whole database", err))
                return false;
        }
        if (o[i].kind <= VIEW && o[i].wanted &&
            json_array_append_new(list, json_bytes(span_of(o[i].name))) != 0)
            return err_memory(err);
    }
    return true;
}

static bool fill(struct my_select *s, struct bundle *bundle, const struct vec *parts,
                 struct err *err)
{
    const json_t *all = json_object_get(bundle_config(bundle), "components");
    const json_t *facts = json_object_get(all, s->component);
    const char *database = NULL;

    s->objects = (struct vec)VEC(struct object);
    s->relations = json_object();
    s->routines = json_object();
    s->selected = json_array();
    s->needed = json_array();
    s->left_out = json_array();
    if (!s->relations || !s->routines || !s->selected || !s->needed || !s->left_out)
        return err_memory(err);
    if (!json_want_str(facts, "database", &database, err))
        return err_add(err, "component '%s'", s->component);
    s->database = strdup(database);
    if (!s->database)
        return err_memory(err);
    if (!add_all(s, bundle, err) || !choose(s, parts, err))
        return false;
    tables_of_triggers(s);
    return follow(s, err) && report(s, err);
}

bool my_select_new(struct bundle *bundle, const char *component, const struct selection *what,
                   struct my_select **out, struct err *err)
{
    AUTO(vec) struct vec parts = VEC(struct only_part);
    AUTO(my_select) struct my_select *s = NULL;

    *out = NULL;
    if (!only_parts(what->only, component, &parts, err))
        return false;
    if (!parts.count)
        return true;
    s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    s->component = component;
    s->references = what->references;
    if (!fill(s, bundle, &parts, err))
        return false;
    *out = TAKE(s);
    return true;
}

/* ---- asking ------------------------------------------------------------------------------------*/

static bool wanted(const struct my_select *s, const json_t *meta)
{
    const struct object *o = s->objects.at;

    for (size_t i = 0; i < s->objects.count; i++)
        if (o[i].meta == meta)
            return o[i].wanted;
    return false;
}

bool my_select_table(const struct my_select *s, const struct stream *stream)
{
    return !s || wanted(s, stream->meta);
}

bool my_select_sequence(const struct my_select *s, const json_t *o)
{
    return !s || wanted(s, o);
}

bool my_select_object(const struct my_select *s, const json_t *o)
{
    return !s || wanted(s, o);
}

static bool wanted_name(const struct my_select *s, const json_t *index, const char *name)
{
    const struct object *o = find(s, index, name);

    return !o || o->wanted;
}

bool my_select_relation(const struct my_select *s, const char *name)
{
    return !s || wanted_name(s, s->relations, name);
}

bool my_select_routine(const struct my_select *s, const char *name)
{
    return !s || wanted_name(s, s->routines, name);
}

bool my_select_key(const struct my_select *s, const json_t *text)
{
    AUTO(buf) struct buf name = {0};

    return !s || !key_table(text, &name) || wanted_name(s, s->relations, buf_str(&name));
}

json_t *my_select_report(const struct my_select *s)
{
    return json_pack("{s:O, s:O, s:O}", "selected", s->selected, "needed", s->needed, "left_out",
                     s->left_out);
}
