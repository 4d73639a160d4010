#include "restore/pg_select_parse.h"

#include "lib/sql/split.h"
#include "restore/pg.h"

/* A longer literal is a text and no name of anything. */
#define LITERAL_MAX 300
#define SET_CONFIG  "SELECT pg_catalog.set_config("

struct reader {
    struct sel_text *text;
    struct span rest;
    struct span token;
    enum sql_token kind;
};

static bool next(struct reader *r)
{
    r->kind = sql_token_next(SQL_POSTGRESQL, &r->rest, &r->token);
    return r->kind != SQL_END;
}

static bool at_word(const struct reader *r, const char *word)
{
    return r->kind == SQL_WORD && span_is_nocase(r->token, word);
}

/* ---- the list of names -----------------------------------------------------------------------*/

struct sel_name *sel_name(const struct sel_text *t, size_t at)
{
    return at == NO_NAME ? NULL : (struct sel_name *)t->names.at + at;
}

static bool key_of(const char *schema, struct span name, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s\x1f", schema);
    return buf_span(out, name);
}

size_t sel_find(const struct sel_text *t, const char *schema, struct span name)
{
    AUTO(buf) struct buf key = {0};

    if (!key_of(schema, name, &key))
        return NO_NAME;
    const json_t *place = json_object_get(t->index, buf_str(&key));
    return place ? (size_t)json_integer_value(place) : NO_NAME;
}

static bool add_name(struct sel_text *t, const char *schema, struct span name, size_t *at,
                     struct err *err)
{
    AUTO(buf) struct buf key = {0};

    *at = sel_find(t, schema, name);
    if (*at != NO_NAME)
        return true;
    struct sel_name *n = vec_add(&t->names, err);
    if (!n)
        return false;
    *at = t->names.count - 1;
    n->schema = strdup(schema);
    n->name = span_dup(name);
    /* Any bytes: a database may be of any encoding. */
    return (n->schema && n->name && key_of(schema, name, &key) &&
            json_object_set_new_nocheck(t->index, buf_str(&key), json_integer((json_int_t)*at)) ==
                0) ||
           err_memory(err);
}

static bool add_global(struct sel_text *t, const char *class, struct span name, size_t *at,
                       struct err *err)
{
    AUTO(buf) struct buf text = {0};

    buf_printf(&text, "%s ", class);
    buf_span(&text, name);
    return buf_ok(&text, err) && add_name(t, "", buf_view(&text), at, err);
}

static bool list(struct vec *v, size_t at, struct err *err)
{
    const size_t *known = v->at;

    for (size_t i = 0; i < v->count; i++)
        if (known[i] == at)
            return true;
    size_t *slot = vec_add(v, err);
    if (slot)
        *slot = at;
    return slot != NULL;
}

/* ---- names in a text --------------------------------------------------------------------------*/

static bool is_name(const struct reader *r)
{
    return r->kind == SQL_WORD || r->kind == SQL_QUOTED_NAME;
}

/* An operator's name is punctuation without a space between. */
static struct span operator_name(struct reader *r)
{
    struct span name = r->token;

    for (;;) {
        struct reader ahead = *r;
        if (!next(&ahead) || ahead.kind != SQL_PUNCT || ahead.token.at != name.at + name.len ||
            strchr("(),;", *ahead.token.at))
            return name;
        name.len += ahead.token.len;
        *r = ahead;
    }
}

/* The name that begins with the present token, SCHEMA.NAME; *at is NO_NAME when it is none. The
 * reader stands on its last token. */
static bool take_name(struct reader *r, size_t *at, struct err *err)
{
    AUTO(buf) struct buf schema = {0}, name = {0};
    struct reader ahead = *r;

    *at = NO_NAME;
    if (!is_name(r) || !pg_name(r->token, &schema) || !next(&ahead) || !span_is(ahead.token, ".") ||
        !next(&ahead))
        return true;
    if (is_name(&ahead)) {
        pg_name(ahead.token, &name);
    } else if (ahead.kind == SQL_PUNCT && !strchr("(),;*", *ahead.token.at)) {
        buf_span(&name, operator_name(&ahead));
    } else {
        return true;
    }
    *r = ahead;
    return buf_ok(&name, err) && add_name(r->text, buf_str(&schema), buf_view(&name), at, err);
}

static bool gather(struct reader *r, struct vec *names, struct vec *body, unsigned depth,
                   struct err *err);

static bool gather_string(struct reader *r, struct vec *names, struct vec *body, unsigned depth,
                          struct err *err)
{
    struct span text = r->token;
    AUTO(buf) struct buf plain = {0};
    bool quoted = *text.at == '$';

    if (quoted && body && depth == 0) {
        const char *tag = memchr(text.at + 1, '$', text.len - 1);
        size_t skip = tag ? (size_t)(tag - text.at) + 1 : 0;
        if (!skip || text.len < 2 * skip)
            return true;
        struct reader in = {.text = r->text, .rest = {text.at + skip, text.len - 2 * skip}};
        return gather(&in, body, body, 1, err);
    }
    if (quoted || depth > 1 || text.len > LITERAL_MAX)
        return true;
    for (size_t i = *text.at == '\'' ? 1 : 2; i + 1 < text.len; i++) {
        buf_putc(&plain, text.at[i]);
        i += text.at[i] == '\'';
    }
    struct reader in = {.text = r->text, .rest = buf_view(&plain)};
    return buf_ok(&plain, err) && gather(&in, names, NULL, 2, err);
}

/* Behind LANGUAGE, WRAPPER and the like stands a name without a schema, perhaps an extension's. */
static bool gather_class(const struct reader *r, struct vec *names, struct err *err)
{
    static const char *const words[][3] = {{"language", "language", "extension"},
                                           {"wrapper", "wrapper", "extension"},
                                           {"using", "extension", NULL},
                                           {"server", "server", NULL}};
    AUTO(buf) struct buf name = {0};
    struct reader ahead = *r;
    size_t at;

    for (size_t i = 0; i < COUNT(words); i++) {
        if (!at_word(r, words[i][0]) || !next(&ahead) || !is_name(&ahead) ||
            !pg_name(ahead.token, &name))
            continue;
        for (size_t j = 1; j < 3 && words[i][j]; j++)
            if (!add_global(r->text, words[i][j], buf_view(&name), &at, err) ||
                !list(names, at, err))
                return false;
    }
    return true;
}

/* All names up to the end; what a quoted body says goes into `body`. depth: of quotes. */
static bool gather(struct reader *r, struct vec *names, struct vec *body, unsigned depth,
                   struct err *err)
{
    size_t at;

    while (next(r)) {
        if (r->kind == SQL_STRING && !gather_string(r, names, body, depth, err))
            return false;
        if (!take_name(r, &at, err) || (at != NO_NAME && !list(names, at, err)))
            return false;
        if (!gather_class(r, names, err))
            return false;
    }
    return true;
}

/* ---- what a statement is ----------------------------------------------------------------------*/

static const struct head {
    const char *words;
    enum sel_kind kind;
    const char *class;  /* what it makes has no schema: the class of its name */
    const char *before; /* what it is about stands behind this word */
    bool relation;
} heads[] = {
    {"set", SEL_ALWAYS},
    {"reset", SEL_ALWAYS},
    {"create access method", SEL_ALWAYS},
    {"select", SEL_NEVER},
    {"create event trigger", SEL_NEVER},
    {"alter event trigger", SEL_NEVER},
    {"create publication", SEL_NEVER},
    {"alter publication", SEL_NEVER},
    {"create subscription", SEL_NEVER},
    {"alter subscription", SEL_NEVER},
    {"alter large object", SEL_NEVER},
    {"alter default privileges", SEL_DEFAULTS},
    {"create extension", SEL_EXTENSION, "extension", "exists"},
    {"create schema", SEL_MAKES, "schema", "schema"},
    {"create server", SEL_MAKES, "server", "server"},
    {"create foreign data wrapper", SEL_MAKES, "wrapper", "wrapper"},
    {"create language", SEL_MAKES, "language", "language"},
    {"create procedural language", SEL_MAKES, "language", "language"},
    {"create trusted procedural language", SEL_MAKES, "language", "language"},
    {"create or replace procedural language", SEL_MAKES, "language", "language"},
    {"create user mapping", SEL_ABOUT, "server", "server"},
    {"create cast", SEL_CAST},
    {"create transform", SEL_CAST},
    {"create trigger", SEL_ABOUT, NULL, "on"},
    {"create constraint trigger", SEL_ABOUT, NULL, "on"},
    {"create index", SEL_ABOUT, NULL, "on"},
    {"create unique index", SEL_ABOUT, NULL, "on"},
    {"create statistics", SEL_ABOUT, NULL, "from"},
    {"create rule", SEL_ABOUT, NULL, "rule"},
    {"create policy", SEL_ABOUT, NULL, "on"},
    {"create table", SEL_MAKES, NULL, NULL, true},
    {"create unlogged table", SEL_MAKES, NULL, NULL, true},
    {"create foreign table", SEL_MAKES, NULL, NULL, true},
    {"create view", SEL_MAKES, NULL, NULL, true},
    {"create or replace view", SEL_MAKES, NULL, NULL, true},
    {"create materialized view", SEL_MAKES, NULL, NULL, true},
    {"create sequence", SEL_MAKES, NULL, NULL, true},
    {"create unlogged sequence", SEL_MAKES, NULL, NULL, true},
    {"create", SEL_MAKES},
    {"refresh", SEL_ABOUT},
    {"alter", SEL_ABOUT},
    {"comment on", SEL_ABOUT, NULL, "on"},
    {"security label", SEL_ABOUT, NULL, "on"},
    {"grant", SEL_ABOUT, NULL, "on"},
    {"revoke", SEL_ABOUT, NULL, "on"},
};

/* Kinds whose names have no schema, where a statement says what it is about. */
static const struct {
    const char *words, *class;
    enum sel_kind kind;
} classes[] = {
    {"schema", "schema", SEL_ABOUT},
    {"extension", "extension", SEL_ABOUT},
    {"language", "language", SEL_ABOUT},
    {"procedural language", "language", SEL_ABOUT},
    {"foreign data wrapper", "wrapper", SEL_ABOUT},
    {"foreign server", "server", SEL_ABOUT},
    {"server", "server", SEL_ABOUT},
    {"cast", NULL, SEL_CAST},
    {"transform", NULL, SEL_CAST},
    {"event trigger", NULL, SEL_NEVER},
    {"publication", NULL, SEL_NEVER},
    {"subscription", NULL, SEL_NEVER},
    {"large object", NULL, SEL_NEVER},
    {"access method", NULL, SEL_ALWAYS},
};

static bool skip_behind(struct reader *r, const char *word)
{
    while (next(r))
        if (at_word(r, word))
            return true;
    return false;
}

static size_t words_in(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == ' ';
    return n;
}

/* "schema NAME" and the like at the front of the rest; false: an object with a schema. */
static bool about_class(struct reader *r, struct sel_statement *st, bool *done, struct err *err)
{
    AUTO(buf) struct buf name = {0};

    *done = false;
    for (size_t i = 0; i < COUNT(classes) && !*done; i++) {
        if (!sql_starts(SQL_POSTGRESQL, r->rest, classes[i].words))
            continue;
        *done = true;
        st->kind = classes[i].kind;
        if (!classes[i].class)
            break;
        for (size_t n = words_in(classes[i].words) + 1; n; n--)
            next(r);
        return pg_name(r->token, &name) &&
               add_global(r->text, classes[i].class, buf_view(&name), &st->subject, err);
    }
    return true;
}

/* The first name with a schema from here on. */
static bool first_name(struct reader *r, size_t *at, struct err *err)
{
    *at = NO_NAME;
    while (*at == NO_NAME && next(r))
        if (!take_name(r, at, err))
            return false;
    return true;
}

/* A name of the same schema as what the statement is about: an index, a constraint. */
static bool extra_of(struct reader *r, struct sel_statement *st, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    AUTO(free) char *schema = NULL;
    const struct sel_name *table = sel_name(r->text, st->subject);

    if (!table || !pg_name(r->token, &name))
        return true;
    schema = strdup(table->schema);
    return schema ? add_name(r->text, schema, buf_view(&name), &st->extra, err) : err_memory(err);
}

static bool constraint_name(struct reader *r, const struct sel_statement *st, size_t *at,
                            struct err *err)
{
    const struct sel_name *table = sel_name(r->text, st->subject);
    AUTO(buf) struct buf name = {0}, text = {0};

    if (!table || !pg_name(r->token, &name))
        return true;
    buf_printf(&text, "%s.%s %s", table->schema, table->name, buf_str(&name));
    return buf_ok(&text, err) && add_global(r->text, "constraint", buf_view(&text), at, err);
}

/* Behind the table of ALTER TABLE: ADD CONSTRAINT, ATTACH PARTITION, an identity. */
static bool alter_table(struct reader r, struct sel_statement *st, struct err *err)
{
    struct span rest = r.rest;

    if (sql_starts(SQL_POSTGRESQL, rest, "attach partition")) {
        st->kind = SEL_ATTACH;
        return first_name(&r, &st->other, err);
    }
    if (!sql_starts(SQL_POSTGRESQL, rest, "add constraint"))
        return !skip_behind(&r, "sequence") || !next(&r) || !at_word(&r, "name") ||
               first_name(&r, &st->extra, err);
    for (int i = 0; i < 3; i++)
        next(&r);
    struct reader name = r;
    if (!sql_starts(SQL_POSTGRESQL, r.rest, "foreign key"))
        return sql_starts(SQL_POSTGRESQL, r.rest, "check") || extra_of(&name, st, err);
    st->kind = SEL_FOREIGN_KEY;
    return constraint_name(&name, st, &st->extra, err) &&
           (!skip_behind(&r, "references") || first_name(&r, &st->other, err));
}

/* What "about" is made more of: what belongs together, what else it makes. */
static bool refine(struct reader r, struct sel_statement *st, struct err *err)
{
    struct span text = st->text;

    if (sql_starts(SQL_POSTGRESQL, text, "alter table") ||
        sql_starts(SQL_POSTGRESQL, text, "alter foreign table"))
        return alter_table(r, st, err);
    if (sql_starts(SQL_POSTGRESQL, text, "alter index") &&
        sql_starts(SQL_POSTGRESQL, r.rest, "attach partition")) {
        st->kind = SEL_ATTACH;
        return first_name(&r, &st->other, err);
    }
    if (sql_starts(SQL_POSTGRESQL, text, "alter sequence") &&
        sql_starts(SQL_POSTGRESQL, r.rest, "owned by")) {
        st->kind = SEL_OWNED;
        return first_name(&r, &st->other, err);
    }
    struct reader head = {.text = r.text, .rest = text};
    if (sql_starts(SQL_POSTGRESQL, text, "comment on constraint")) {
        for (int i = 0; i < 4; i++)
            next(&head);
        return constraint_name(&head, st, &st->gate, err);
    }
    if (sql_starts(SQL_POSTGRESQL, text, "create statistics"))
        return first_name(&head, &st->extra, err);
    if (!sql_starts(SQL_POSTGRESQL, text, "create index") &&
        !sql_starts(SQL_POSTGRESQL, text, "create unique index"))
        return true;
    return !skip_behind(&head, "index") || !next(&head) || extra_of(&head, st, err);
}

/* ALTER DEFAULT PRIVILEGES FOR ROLE r [IN SCHEMA s] ... */
static bool defaults(struct reader r, struct sel_statement *st, struct err *err)
{
    AUTO(buf) struct buf name = {0};

    if (!skip_behind(&r, "in") || !next(&r) || !at_word(&r, "schema") || !next(&r))
        return true;
    return pg_name(r.token, &name) &&
           add_global(r.text, "schema", buf_view(&name), &st->subject, err);
}

/* The names that it inherits from; the reader may be anywhere before. */
static bool parents(struct reader r, struct sel_statement *st, struct err *err)
{
    size_t at;

    if (!skip_behind(&r, "inherits"))
        return true;
    while (next(&r) && !span_is(r.token, ")"))
        if (!take_name(&r, &at, err) || (at != NO_NAME && !list(&st->parents, at, err)))
            return false;
    return true;
}

/* (a AS b) of a cast, the type of a transform: what it stands between. */
static bool cast_types(struct reader r, struct sel_statement *st, struct err *err)
{
    size_t at;

    while (next(&r) && !span_is(r.token, ")") && !at_word(&r, "language"))
        if (!take_name(&r, &at, err) || (at != NO_NAME && !list(&st->parents, at, err)))
            return false;
    return true;
}

static bool makes_class(struct reader *r, const char *class, struct sel_statement *st,
                        struct err *err)
{
    AUTO(buf) struct buf name = {0};

    return next(r) && pg_name(r->token, &name) &&
           add_global(r->text, class, buf_view(&name), &st->subject, err);
}

/* ALTER, COMMENT ON, GRANT and their like: of a class without schema, of a cast, or of the first
 * name with a schema. */
static bool is_about(struct reader *r, const struct head *h, struct sel_statement *st,
                     struct err *err)
{
    bool done = false;

    if (!h->before && !next(r))
        return true;
    if (!sql_starts(SQL_POSTGRESQL, st->text, "create") && !about_class(r, st, &done, err))
        return false;
    if (st->kind == SEL_CAST)
        return cast_types(*r, st, err);
    return done || (first_name(r, &st->subject, err) && refine(*r, st, err));
}

static bool classify(struct reader *r, const struct head *h, struct sel_statement *st,
                     struct err *err)
{
    if (h->before && !skip_behind(r, h->before))
        return err_set(err, ERR_DAMAGED, "line %u of the schema is of an unknown form", st->line);
    if (h->class)
        return makes_class(r, h->class, st, err);
    if (st->kind == SEL_DEFAULTS)
        return defaults(*r, st, err);
    if (st->kind == SEL_CAST)
        return cast_types(*r, st, err);
    if (st->kind == SEL_MAKES)
        return first_name(r, &st->subject, err) && parents(*r, st, err);
    return is_about(r, h, st, err);
}

static bool read_statement(struct sel_text *t, struct sel_statement *st, struct err *err)
{
    struct reader r = {.text = t, .rest = st->text}, all = r;
    const struct head *h = NULL;

    for (size_t i = 0; !span_starts(st->text, SET_CONFIG) && i < COUNT(heads) && !h; i++)
        if (sql_starts(SQL_POSTGRESQL, st->text, heads[i].words))
            h = &heads[i];
    st->kind = h ? h->kind : SEL_ALWAYS;
    if (!h || st->kind == SEL_ALWAYS || st->kind == SEL_NEVER)
        return true;
    if (!classify(&r, h, st, err))
        return false;
    struct sel_name *made = sel_name(t, st->subject);
    if (made && (st->kind == SEL_MAKES || st->kind == SEL_EXTENSION)) {
        made->made = true;
        made->relation |= h->relation;
    }
    if (st->extra != NO_NAME)
        sel_name(t, st->extra)->made = true;
    return sql_starts(SQL_POSTGRESQL, st->text, "comment on") ||
           gather(&all, &st->names, &st->body, 0, err);
}

bool sel_text_read(struct sel_text *t, struct span text, bool post, struct err *err)
{
    struct sql_splitter split;
    struct sql_statement one;
    bool more = true;

    if (!t->index) {
        t->index = json_object();
        t->names = (struct vec)VEC(struct sel_name);
        t->statements = (struct vec)VEC(struct sel_statement);
    }
    sql_split_init(&split, SQL_POSTGRESQL, text);
    while (t->index) {
        if (!sql_split_next(&split, &one, &more, err))
            return err_add(err, "%s.sql", post ? "post-data" : "pre-data");
        if (!more)
            return true;
        struct sel_statement *st = vec_add(&t->statements, err);
        if (!st)
            return false;
        *st = (struct sel_statement){.text = one.text,
                                     .line = one.line,
                                     .post = post,
                                     .subject = NO_NAME,
                                     .other = NO_NAME,
                                     .extra = NO_NAME,
                                     .gate = NO_NAME,
                                     .names = VEC(size_t),
                                     .parents = VEC(size_t),
                                     .body = VEC(size_t)};
        if (!read_statement(t, st, err))
            return false;
    }
    return err_memory(err);
}

void sel_text_done(struct sel_text *t)
{
    struct sel_statement *st = t->statements.at;
    struct sel_name *n = t->names.at;

    for (size_t i = 0; i < t->statements.count; i++) {
        vec_done(&st[i].names);
        vec_done(&st[i].parents);
        vec_done(&st[i].body);
    }
    for (size_t i = 0; i < t->names.count; i++) {
        free(n[i].schema);
        free(n[i].name);
    }
    vec_done(&t->statements);
    vec_done(&t->names);
    json_decref(t->index);
}
