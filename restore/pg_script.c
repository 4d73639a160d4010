/* The schema's texts as pg_dump wrote them. */
#include "lib/base/cmd.h"
#include "lib/base/log.h"
#include "restore/pg.h"
#include "restore/pg_key.h"
#include "restore/pg_text.h"
#include "restore/pg_weight.h"

#define KEY_SPLIT_MIN ((uint64_t)8 << 20)
#define SHOW(s)       (int)(s).len, (s).at

/* ---- running -----------------------------------------------------------------------------------*/

static bool run(struct db *db, const char *what, struct span sql, unsigned line, struct err *err)
{
    if (db->ops->query(db, sql, NULL, NULL, NULL, err))
        return cmd_stop_check(err);
    struct span head = pg_text_head(sql);
    if (head.len > 100)
        head.len = 100;
    const char *nl = memchr(head.at, '\n', head.len);
    if (nl)
        head.len = (size_t)(nl - head.at);
    return err_add(err, "%s line %u, '%.*s'", what, line, (int)head.len, head.at);
}

/* Sessions are fixed already (lib/db/pg_session.h), and a newer pg_dump may set what this server
 * does not know. What remains is where and how tables are stored. */
static bool is_session_setting(struct span sql)
{
    if (sql_starts(SQL_POSTGRESQL, sql, "set"))
        return !sql_starts(SQL_POSTGRESQL, sql, "set default_table_access_method");
    return span_starts(sql, "SELECT pg_catalog.set_config(");
}

/* A tablespace that is not there is no reason to fail: its objects go to the default one. */
static bool use_tablespace(struct db *db, struct span value, struct err *err)
{
    AUTO(buf) struct buf name = {0}, literal = {0};

    if (value.len >= 2 && *value.at == '\'')
        return db_exec(db, err, "SET default_tablespace = ''");
    pg_name(value, &name);
    db_quote_text(db, buf_str(&name), &literal);
    if (!buf_ok(&name, err) || !buf_ok(&literal, err))
        return false;
    return db_exec(db, err,
                   "SELECT pg_catalog.set_config('default_tablespace', coalesce((SELECT spcname "
                   "FROM pg_catalog.pg_tablespace WHERE spcname = %s), ''), false)",
                   buf_str(&literal));
}

static struct span step_sql(const struct pg_step *step)
{
    return step->index ? span_of(step->index) : step->text;
}

bool pg_script_grantor(struct db *db, struct span sql, bool *was_one, struct err *err)
{
    struct span role;

    *was_one = pg_text_grantor(sql, &role);
    if (!*was_one)
        return true;
    return role.len ? db_exec(db, err, "SET ROLE %.*s", (int)role.len, role.at)
                    : db_exec(db, err, "RESET ROLE");
}

/* ---- what others than the owner have granted ----------------------------------------------------*/

/* The names in front of a dot, as a list of literals: schemas, of the object and of its arguments. */
static bool schemas_of(struct db *db, struct span sql, struct buf *out, struct err *err)
{
    struct span rest = sql, token, before = {0};
    AUTO(buf) struct buf name = {0};

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        if (span_is(token, ".")) {
            buf_puts(out, out->len ? ", " : "");
            if (!pg_name(before, &name))
                return err_memory(err);
            db_quote_text(db, buf_str(&name), out);
        }
        before = token;
    }
    return buf_ok(out, err);
}

/* Those of them that the role may not use, as a list of names; "": the reason is another one. */
static bool schemas_closed(struct db *db, struct span sql, struct span role, struct buf *out,
                           struct err *err)
{
    AUTO(buf) struct buf all = {0}, name = {0}, who = {0};

    if (!pg_name(role, &name) || !schemas_of(db, sql, &all, err))
        return err_memory(err);
    db_quote_text(db, buf_str(&name), &who);
    return buf_ok(&who, err) &&
           (!all.len ||
            db_value(db, out, err,
                     "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(nspname), ', ') FROM "
                     "pg_catalog.pg_namespace WHERE nspname IN (%s) AND NOT "
                     "pg_catalog.has_schema_privilege(%s, oid, 'USAGE')",
                     buf_str(&all), buf_str(&who)));
}

/* Who has granted may have lost since the USAGE of a schema, which the grant stands without: the role
 * has it for this statement, which nobody sees before it is over. */
static bool grant_with_usage(struct db *db, const char *what, const struct sql_statement *st,
                             struct span role, struct err *err)
{
    AUTO(buf) struct buf closed = {0};

    if (!schemas_closed(db, st->text, role, &closed, err))
        return false;
    if (!closed.len)
        return err_set(err, ERR_RIGHTS, "it may use the schemas");
    const char *schemas = buf_str(&closed);
    if (!db_exec(db, err, "BEGIN"))
        return false;
    if (db_exec(db, err, "RESET ROLE; GRANT USAGE ON SCHEMA %s TO %.*s; SET ROLE %.*s", schemas,
                SHOW(role), SHOW(role)) &&
        run(db, what, st->text, st->line, err) &&
        db_exec(db, err, "RESET ROLE; REVOKE USAGE ON SCHEMA %s FROM %.*s; SET ROLE %.*s", schemas,
                SHOW(role), SHOW(role)) &&
        db_exec(db, err, "COMMIT"))
        return true;
    db_exec(db, NULL, "ROLLBACK");
    return false;
}

/* The owner, who always may, takes the place of who cannot: the right is there, and the proof says
 * that another has granted it. */
static bool grant_as_owner(struct db *db, const char *what, const struct sql_statement *st,
                           struct span role, const struct err *why, struct err *err)
{
    log_warn("granted by the owner, for who has done it may not any more", f_str("text", what),
             f_num("line", st->line), f_str("why", why->text));
    return db_exec(db, err, "RESET ROLE") && run(db, what, st->text, st->line, err) &&
           db_exec(db, err, "SET ROLE %.*s", SHOW(role));
}

static bool grant_as(struct db *db, const char *what, const struct sql_statement *st,
                     struct span role, struct err *err)
{
    struct err why = {0}, ignored = {0};

    if (run(db, what, st->text, st->line, &why))
        return true;
    if (why.code != ERR_RIGHTS || !pg_is_privilege_statement(st->text))
        return err_pass(err, &why);
    return grant_with_usage(db, what, st, role, &ignored) ||
           grant_as_owner(db, what, st, role, &why, err);
}

/* One that is not of a tablespace. */
static bool run_plain(struct db *db, const char *what, const struct sql_statement *st,
                      struct span *grantor, struct err *err)
{
    bool done = false;

    pg_text_grantor(st->text, grantor);
    if (!pg_script_grantor(db, st->text, &done, err))
        return false;
    if (done || is_session_setting(st->text))
        return true;
    return grantor->len ? grant_as(db, what, st, *grantor, err)
                        : run(db, what, st->text, st->line, err);
}

bool pg_script_run(struct db *db, const char *what, struct span text, struct err *err)
{
    struct sql_splitter split;
    struct sql_statement st;
    struct span grantor = {0};
    bool more = true;

    sql_split_init(&split, SQL_POSTGRESQL, text);
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return err_add(err, "%s", what);
        if (!more)
            return true;
        struct span tablespace = pg_text_tablespace(st.text);
        if (tablespace.at) {
            if (!use_tablespace(db, tablespace, err))
                return false;
        } else if (!run_plain(db, what, &st, &grantor, err)) {
            return false;
        }
    }
}

/* To the end of the transaction. */
static bool use_memory(struct db *db, unsigned kb, struct err *err)
{
    return !kb || db_exec(db, err, "SET LOCAL maintenance_work_mem = '%ukB'", kb);
}

bool pg_step_run(struct db *db, const struct pg_step *step, struct err *err)
{
    struct span tablespace = step->tablespace.at ? step->tablespace : SPAN("''");

    return use_tablespace(db, tablespace, err) && use_memory(db, step->memory_kb, err) &&
           run(db, "post-data.sql", step_sql(step), step->line, err);
}

bool pg_step_constraint(struct db *db, const struct pg_step *step, struct err *err)
{
    return run(db, "post-data.sql", span_of(step->constraint), step->line, err);
}

/* ---- sorting -----------------------------------------------------------------------------------*/

struct pg_target_table *pg_target_find(struct pg_target *t, struct span schema, struct span name)
{
    for (size_t i = 0; i < t->table_count; i++)
        if (span_is(name, t->tables[i].name) && span_is(schema, t->tables[i].schema))
            return &t->tables[i];
    return NULL;
}

/* schema.table at the front of *rest; ONLY before it is skipped. */
static struct pg_target_table *table_at(struct pg_target *t, struct span *rest)
{
    AUTO(buf) struct buf schema = {0}, name = {0};
    struct span token, dot;

    sql_token_next(SQL_POSTGRESQL, rest, &token);
    if (span_is_nocase(token, "only"))
        sql_token_next(SQL_POSTGRESQL, rest, &token);
    pg_name(token, &schema);
    sql_token_next(SQL_POSTGRESQL, rest, &dot);
    sql_token_next(SQL_POSTGRESQL, rest, &token);
    pg_name(token, &name);
    return span_is(dot, ".") ? pg_target_find(t, buf_view(&schema), buf_view(&name)) : NULL;
}

/* Moves *rest behind the next bare word `word`. */
static bool skip_behind(struct span *rest, const char *word)
{
    struct span token;
    enum sql_token kind;

    while ((kind = sql_token_next(SQL_POSTGRESQL, rest, &token)) != SQL_END)
        if (kind == SQL_WORD && span_is_nocase(token, word))
            return true;
    return false;
}

/* ALTER TABLE [ONLY] s.t ADD CONSTRAINT name ... */
static void sort_constraint(struct pg_target *t, struct pg_step *step)
{
    struct span rest = step->text, token;

    skip_behind(&rest, "table");
    struct pg_target_table *table = table_at(t, &rest);
    struct span behind = rest;
    if (!sql_starts(SQL_POSTGRESQL, behind, "add constraint"))
        return;
    for (int i = 0; i < 3; i++)
        sql_token_next(SQL_POSTGRESQL, &behind, &token);
    step->table = table;
    if (sql_starts(SQL_POSTGRESQL, behind, "foreign key")) {
        step->kind = PG_STEP_FOREIGN_KEY;
        if (skip_behind(&behind, "references"))
            step->other = table_at(t, &behind);
    } else if (sql_starts(SQL_POSTGRESQL, behind, "primary key") ||
               sql_starts(SQL_POSTGRESQL, behind, "unique") ||
               sql_starts(SQL_POSTGRESQL, behind, "exclude")) {
        step->kind = table ? PG_STEP_KEY : PG_STEP_SPANNING;
    }
}

/* CREATE, ALTER, COMMENT ON, SECURITY LABEL ... ON EVENT TRIGGER. */
static bool is_event_trigger(struct span sql)
{
    struct span rest = sql, token, before = {0};
    bool label = sql_starts(SQL_POSTGRESQL, sql, "security label");

    if (sql_starts(SQL_POSTGRESQL, sql, "create event trigger") ||
        sql_starts(SQL_POSTGRESQL, sql, "alter event trigger") ||
        sql_starts(SQL_POSTGRESQL, sql, "comment on event trigger"))
        return true;
    while (label && sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        if (span_is(before, "ON"))
            return span_is(token, "EVENT");
        before = token;
    }
    return false;
}

static void sort_step(struct pg_target *t, struct pg_step *step)
{
    struct span rest = step->text;

    step->kind = PG_STEP_REST;
    if (sql_starts(SQL_POSTGRESQL, rest, "create index") ||
        sql_starts(SQL_POSTGRESQL, rest, "create unique index")) {
        skip_behind(&rest, "on");
        step->table = table_at(t, &rest);
        step->kind = step->table ? PG_STEP_INDEX : PG_STEP_SPANNING;
    } else if (sql_starts(SQL_POSTGRESQL, rest, "create statistics")) {
        skip_behind(&rest, "from");
        step->table = table_at(t, &rest);
        step->kind = step->table ? PG_STEP_KEY : PG_STEP_REST;
    } else if (sql_starts(SQL_POSTGRESQL, rest, "alter index") && skip_behind(&rest, "attach")) {
        step->kind = PG_STEP_SPANNING;
    } else if (sql_starts(SQL_POSTGRESQL, rest, "alter table")) {
        sort_constraint(t, step);
    } else if (is_event_trigger(rest)) {
        step->kind = PG_STEP_EVENT;
    }
}

/* Worth two statements only where the index takes its time. */
static bool split_key(struct pg_target *t, struct pg_step *step, struct err *err)
{
    AUTO(buf) struct buf index = {0}, constraint = {0};

    if (step->kind == PG_STEP_KEY && t->conf.jobs > 1 &&
        step->table->stream->raw_bytes >= KEY_SPLIT_MIN &&
        pg_key_split(step->text, &index, &constraint)) {
        step->index = buf_take(&index);
        step->constraint = buf_take(&constraint);
        if (!step->index || !step->constraint)
            return err_memory(err);
        step->kind = PG_STEP_INDEX;
        step->table->late_keys++;
    }
    if (step->kind == PG_STEP_INDEX) {
        const struct stream *s = step->table->stream;
        step->weight = pg_index_weight(step_sql(step), json_object_get(s->meta, "columns"),
                                       json_object_get(s->meta, "types"));
        step->table->index_weight += step->weight;
        /* Who keeps a server of his own has set it as he wants it. */
        if (t->conf.owned)
            step->memory_kb = pg_index_memory_kb(step_sql(step), s->records, s->raw_bytes);
    }
    if (step->kind == PG_STEP_FOREIGN_KEY && step->table && step->other) {
        step->table->tail += step->table->stream->raw_bytes;
        step->other->tail += step->table->stream->raw_bytes;
    }
    return true;
}

bool pg_steps_sort(struct pg_target *t, struct err *err)
{
    struct sql_splitter split;
    struct sql_statement st;
    struct span tablespace = {0};
    bool more = true;

    t->steps = (struct vec)VEC(struct pg_step);
    sql_split_init(&split, SQL_POSTGRESQL, buf_view(&t->part.post_data));
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return err_add(err, "post-data.sql");
        if (!more)
            return true;
        struct span set = pg_text_tablespace(st.text);
        if (set.at)
            tablespace = set;
        if (set.at || is_session_setting(st.text))
            continue;
        struct pg_step *step = vec_add(&t->steps, err);
        if (!step)
            return false;
        *step = (struct pg_step){.text = st.text, .line = st.line, .tablespace = tablespace};
        sort_step(t, step);
        if (!split_key(t, step, err))
            return false;
    }
}
