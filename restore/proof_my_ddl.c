/* MariaDB and MySQL: what SHOW CREATE says in the box against what it said in production. */
#include "restore/proof_my.h"

#include "lib/base/json.h"
#include "lib/db/my_shown.h"
#include "lib/sql/split.h"
#include "restore/my_progress.h"
#include "restore/proof_my_echo.h"

static const char names_sql[] =
#include "restore/proof_my_names.sql.h"
    ;

struct ddl {
    struct my_proof *proof;
    struct db *db;
    json_t *known; /* "KIND name" of the bundle's objects, as keys */
    struct buf tables;
    struct vec creates; /* struct span in tables */
    struct my_echo echo;
};

static bool know(struct ddl *d, const char *kind, struct span name, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    buf_printf(&text, "%s ", kind);
    buf_span(&text, name);
    AUTO(json) json_t *shown = json_bytes(buf_view(&text));
    return (shown && json_object_set_new(d->known, json_string_value(shown), json_true()) == 0) ||
           err_memory(err);
}

/* ---- tables ------------------------------------------------------------------------------------*/

static bool add_create(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct span *at = vec_add(ctx, err);

    if (at)
        *at = st->text;
    return at;
}

static bool split_tables(struct ddl *d, struct err *err)
{
    return proof_bundle_text(d->proof->part, "tables.sql", &d->tables, err) &&
           sql_each(SQL_MARIADB, buf_view(&d->tables), add_create, &d->creates, err);
}

static struct span create_of(struct ddl *d, const char *name, struct err *err)
{
    AUTO(buf) struct buf head = {0};
    const struct span *all = d->creates.at;

    buf_puts(&head, "CREATE TABLE ");
    db_quote_name(d->db, name, &head);
    buf_puts(&head, " (");
    for (size_t i = 0; buf_ok(&head, err) && i < d->creates.count; i++)
        if (span_starts(all[i], buf_str(&head)))
            return all[i];
    err_set(err, ERR_DAMAGED, "tables.sql has no table '%s'", name);
    return (struct span){0};
}

/* Takes " AUTO_INCREMENT=n" out of the last line; *next is 1 without it. */
static bool without_counter(struct span create, struct buf *out, uint64_t *next)
{
    static const char mark[] = " AUTO_INCREMENT=";
    const char *tail = memrchr(create.at, '\n', create.len);
    size_t from = tail ? (size_t)(tail - create.at) : 0;
    const char *at = memmem(create.at + from, create.len - from, mark, sizeof(mark) - 1);
    const char *end = create.at + create.len;

    *next = 1;
    if (!at)
        return buf_span(out, create);
    buf_add(out, create.at, (size_t)(at - create.at));
    const char *digits = at + sizeof(mark) - 1;
    for (at = digits; at < end && *at >= '0' && *at <= '9';)
        at++;
    span_u64((struct span){digits, (size_t)(at - digits)}, next);
    return buf_add(out, at, (size_t)(end - at));
}

static bool second_value(void *ctx, const struct db_row *row, struct err *err)
{
    struct buf *out = ctx;

    buf_clear(out);
    if (row->count > 1)
        buf_span(out, row->value[1]);
    return buf_ok(out, err);
}

/* Rows that came while the snapshot ran may have moved the counter behind what the text says; it is
 * then behind the greatest of them. */
static bool counter_follows(struct ddl *d, const char *table, uint64_t next, bool *follows,
                            struct err *err)
{
    AUTO(buf) struct buf text = {0}, name = {0}, column = {0}, quoted = {0}, greatest = {0};
    uint64_t number = 0;

    db_quote_text(d->db, table, &text);
    db_quote_name(d->db, table, &name);
    if (!db_value(d->db, &column, err,
                  "SELECT min(column_name) FROM information_schema.columns "
                  "WHERE table_schema = database() AND table_name = %s "
                  "AND extra LIKE '%%auto_increment%%'",
                  buf_str(&text)))
        return false;
    *follows = false;
    if (!column.len)
        return true;
    db_quote_name(d->db, buf_str(&column), &quoted);
    if (!db_value(d->db, &greatest, err, "SELECT coalesce(max(%s), 0) FROM %s", buf_str(&quoted),
                  buf_str(&name)))
        return false;
    *follows = span_u64(buf_view(&greatest), &number) && number + 1 == next;
    return true;
}

static bool compare_counter(struct ddl *d, const char *table, uint64_t bundle, uint64_t box,
                            struct err *err)
{
    bool follows = false;

    if (bundle == box)
        return true;
    if (box > bundle && !counter_follows(d, table, box, &follows, err))
        return false;
    return follows || proof_note_kind(d->proof->part, "AUTO_INCREMENT of table", span_of(table),
                                      "changed", err);
}

/* The server's answer to SHOW CREATE; "" when there is no such thing. */
static bool show(struct ddl *d, const char *kind, const char *name, db_each each, void *ctx,
                 bool *found, struct err *err)
{
    AUTO(buf) struct buf quoted = {0};
    struct err why = {0};

    db_quote_name(d->db, name, &quoted);
    *found = db_rows(d->db, each, ctx, &why, "SHOW CREATE %s %s", kind, buf_str(&quoted));
    if (*found)
        return true;
    if (why.code != ERR_SQL && why.code != ERR_MISSING)
        return err_pass(err, &why);
    return proof_note_kind(d->proof->part, kind, span_of(name), "missing", err);
}

/* The lines of foreign keys that were left out are not expected. */
static bool without_keys(struct ddl *d, const struct stream *s, struct span create, struct buf *out,
                         struct err *err)
{
    const json_t *keys = json_object_get(s->meta, "foreign_keys"), *key;
    struct span line;
    size_t i;

    while (span_split(&create, '\n', &line)) {
        bool left_out = false;
        json_array_foreach(keys, i, key)
        {
            AUTO(free) char *text = json_bytes_back(json_string_value(key), NULL);
            struct span shown = span_trim(line);
            if (!text)
                return err_memory(err);
            if (shown.len && shown.at[shown.len - 1] == ',')
                shown.len--;
            left_out |= span_is(shown, text) && !my_select_key(d->proof->select, key);
        }
        buf_puts(out, out->len && !left_out ? "\n" : "");
        if (!left_out)
            buf_span(out, line);
    }
    return buf_ok(out, err);
}

/* Without its counter, in this server's words when it has others. */
static bool echo_table(struct ddl *d, const char *name, struct buf *text, struct err *err)
{
    AUTO(buf) struct buf echo = {0};
    uint64_t unused;

    buf_span(&echo, buf_view(text));
    if (!buf_ok(&echo, err) || !my_echo_table(&d->echo, name, &echo, err))
        return false;
    buf_clear(text);
    return without_counter(buf_view(&echo), text, &unused) || err_memory(err);
}

/* Its counter begins anew with each start of the server. */
static bool is_memory(const struct stream *s)
{
    const char *engine = json_string_value(json_object_get(s->meta, "engine"));

    return engine && strcasecmp(engine, "MEMORY") == 0;
}

static bool compare_table(struct ddl *d, const struct stream *s, struct err *err)
{
    AUTO(free) char *name = my_meta_text(s->meta, "table", NULL, err);
    AUTO(buf) struct buf now = {0}, left = {0}, right = {0};
    uint64_t was_next, now_next;
    bool found = false, unsure = false;

    if (!name || !know(d, "TABLE", span_of(name), err))
        return false;
    struct span was = create_of(d, name, err);
    if (!was.at || !show(d, "TABLE", name, second_value, &now, &found, err))
        return false;
    if (!found)
        return true;
    AUTO(buf) struct buf part = {0}, here = {0};
    if (!my_shown_whole(d->db, name, &now, &unsure, err) || !without_keys(d, s, was, &here, err) ||
        !my_here_table(&d->proof->here, buf_view(&here), &part, err))
        return false;
    without_counter(buf_view(&part), &left, &was_next);
    without_counter(buf_view(&now), &right, &now_next);
    return buf_ok(&left, err) && buf_ok(&right, err) &&
           (span_eq(buf_view(&left), buf_view(&right)) || echo_table(d, name, &left, err)) &&
           proof_lines(d->proof->part, "table", name, buf_view(&left), buf_view(&right), err) &&
           (is_memory(s) || compare_counter(d, name, was_next, now_next, err));
}

static bool compare_tables(struct ddl *d, struct err *err)
{
    const struct my_proof *m = d->proof;
    size_t count = 0;
    const struct stream *s = bundle_streams(m->part->conf->bundle, &count);

    for (size_t i = 0; i < count; i++)
        if (s[i].kind == STREAM_COLUMNS && strcmp(s[i].component, m->part->component) == 0 &&
            my_select_table(m->select, &s[i]) && !compare_table(d, &s[i], err))
            return false;
    return true;
}

/* ---- objects -----------------------------------------------------------------------------------*/

static const json_t *list_of(struct ddl *d, const char *file, const char *key)
{
    AUTO(free) char *name = stream_name(d->proof->part->component, NULL, file);
    const struct stream *s = name ? bundle_find(d->proof->part->conf->bundle, name) : NULL;

    return s ? json_object_get(s->meta, key) : NULL;
}

static bool compare_sequence(struct ddl *d, const json_t *one, struct err *err)
{
    AUTO(free) char *name = my_meta_text(one, "name", NULL, err);
    AUTO(free) char *create = name ? my_meta_text(one, "create", NULL, err) : NULL;
    AUTO(free) char *set = create ? my_meta_text(one, "set", NULL, err) : NULL;
    AUTO(buf) struct buf now = {0}, next = {0}, quoted = {0}, text = {0};
    bool found = false;

    if (!set || !know(d, "SEQUENCE", span_of(name), err) ||
        !show(d, "SEQUENCE", name, second_value, &now, &found, err))
        return false;
    if (!found)
        return true;
    db_quote_name(d->db, name, &quoted);
    if (!db_value(d->db, &next, err, "SELECT next_not_cached_value FROM %s", buf_str(&quoted)))
        return false;
    buf_printf(&text, "SELECT setval(%s, %s, 0)", buf_str(&quoted), buf_str(&next));
    if (!buf_ok(&text, err) ||
        !proof_lines(d->proof->part, "sequence", name, span_of(create), buf_view(&now), err))
        return false;
    return strcmp(set, buf_str(&text)) == 0 ||
           proof_note_kind(d->proof->part, "value of sequence", span_of(name), "changed", err);
}

/* Each thing that made the object what it is is a value of SHOW CREATE's row, in a place that
 * depends on the kind. */
struct wanted {
    struct span value[6];
    bool seen[6];
    bool hidden;        /* of a routine: the server does not show its text to this account */
    const char *within; /* of a view: the database that its names may be shown with */
};

/* A view shows its columns as `t`.`c` to whom its definer may show them, else as `db`.`t`.`c`. */
static bool without_database(struct db *db, const char *database, struct span text, struct buf *out)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = text, token, behind;
    const char *from = text.at;

    db_quote_name(db, database, &name);
    while (sql_token_next(SQL_MARIADB, &rest, &token) != SQL_END) {
        behind = rest;
        if (!span_eq(token, buf_view(&name)) ||
            sql_token_next(SQL_MARIADB, &behind, &token) != SQL_PUNCT || token.at != rest.at ||
            *token.at != '.')
            continue;
        buf_add(out, from, (size_t)(token.at - name.len - from));
        from = behind.at;
        rest = behind;
    }
    buf_add(out, from, (size_t)(text.at + text.len - from));
    return !name.failed && !out->failed;
}

/* "utf8" and "utf8_..." are what MySQL and older servers call utf8mb3. */
static bool same_name(struct span a, struct span b)
{
    static const char old[] = "utf8", new[] = "utf8mb3";
    const size_t old_len = sizeof(old) - 1, new_len = sizeof(new) - 1;

    if (b.len > a.len)
        return same_name(b, a);
    return span_eq(a, b) || (span_starts(a, new) && span_starts(b, old) &&
                             span_eq((struct span){a.at + new_len, a.len - new_len},
                                     (struct span){b.at + old_len, b.len - old_len}));
}

struct looking {
    struct ddl *ddl;
    struct wanted *wanted;
};

static bool look_for(void *ctx, const struct db_row *row, struct err *err)
{
    const struct looking *l = ctx;
    struct wanted *w = l->wanted;

    for (unsigned i = 0; i < row->count; i++) {
        AUTO(buf) struct buf shown = {0};
        struct span value = row->value[i];
        w->hidden |= !value.at && span_starts(row->name[i], "Create ");
        if (value.at && w->within) {
            if (!without_database(l->ddl->db, w->within, value, &shown))
                return err_memory(err);
            value = buf_view(&shown);
        }
        for (size_t j = 0; j < COUNT(w->value); j++)
            w->seen[j] |=
                value.at && (j ? same_name(value, w->value[j]) : span_eq(value, w->value[j]));
    }
    return true;
}

/* What SHOW CREATE has to give of the object; `text` holds it. */
static bool want(struct ddl *d, struct wanted *w, struct buf *text, struct err *err)
{
    AUTO(buf) struct buf shown = {0};

    w->value[0] = buf_view(text);
    if (!w->within)
        return true;
    if (!without_database(d->db, w->within, w->value[0], &shown))
        return err_memory(err);
    buf_clear(text);
    buf_span(text, buf_view(&shown));
    w->value[0] = buf_view(text);
    return buf_ok(text, err);
}

/* The text as it is to be restored: names, definer, events switched off. */
static bool text_of(struct ddl *d, const json_t *o, struct buf *out, struct err *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    AUTO(buf) struct buf here = {0};
    size_t len = 0;
    AUTO(free) char *create = my_meta_text(o, "create", &len, err);

    if (!create || !my_here_object(&d->proof->here, o, (struct span){create, len}, &here, err))
        return false;
    if (kind && strcmp(kind, "EVENT") == 0)
        my_event_disabled(buf_view(&here), out);
    else
        buf_span(out, buf_view(&here));
    return buf_ok(out, err);
}

/* How it was made, as values of SHOW CREATE. */
static void want_parts(const json_t *o, struct wanted *w)
{
    static const char *const parts[] = {"sql_mode", "time_zone", "character_set_client",
                                        "collation_connection", "database_collation"};

    for (size_t i = 0; i < COUNT(parts); i++) {
        w->value[i + 1] = span_of(json_string_value(json_object_get(o, parts[i])));
        w->seen[i + 1] = !w->value[i + 1].at;
    }
}

/* *found is cleared when there is no such thing. */
static bool look(struct ddl *d, const json_t *o, const char *name, struct wanted *w, bool *found,
                 struct err *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    struct looking looking = {d, w};
    AUTO(buf) struct buf text = {0}, plain = {0};

    if (!text_of(d, o, &text, err))
        return false;
    buf_span(&plain, buf_view(&text));
    if (!want(d, w, &plain, err) || !show(d, kind, name, look_for, &looking, found, err))
        return false;
    if (!*found || w->seen[0] || w->hidden)
        return true;
    return my_echo_object(&d->echo, o, name, &text, err) && want(d, w, &text, err) &&
           show(d, kind, name, look_for, &looking, found, err);
}

static bool skip_text(struct ddl *d, const char *kind, const char *name, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    buf_printf(&text, "%s %s: its text is hidden from who restores; SELECT on mysql.proc shows it",
               kind, name);
    return buf_ok(&text, err) && proof_skip(d->proof->part, buf_str(&text), err);
}

static bool compare_object(struct ddl *d, const json_t *o, struct err *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    AUTO(free) char *name = my_meta_text(o, "name", NULL, err);
    struct wanted w = {0};
    bool found = false;

    if (!name || !kind || !know(d, kind, span_of(name), err))
        return false;
    if (strcmp(kind, "VIEW") == 0)
        w.within = d->proof->place.conf.database;
    want_parts(o, &w);
    if (!look(d, o, name, &w, &found, err))
        return false;
    if (w.hidden)
        return skip_text(d, kind, name, err);
    for (size_t i = 0; found && i < COUNT(w.seen); i++)
        if (!w.seen[i])
            return proof_note_kind(d->proof->part, kind, span_of(name), "changed", err);
    return true;
}

static bool compare_list(struct ddl *d, const char *file, const char *key,
                         bool (*compare)(struct ddl *d, const json_t *o, struct err *err),
                         struct err *err)
{
    const struct my_select *select = d->proof->select;
    const json_t *list = list_of(d, file, key), *o;
    size_t i;

    json_array_foreach(list, i, o)
    {
        if (my_select_object(select, o) && !compare(d, o, err))
            return false;
    }
    return true;
}

/* What is there and was not captured. */
static bool look_at_name(void *ctx, const struct db_row *row, struct err *err)
{
    struct ddl *d = ctx;
    AUTO(free) char *kind = span_dup(row->value[0]);
    AUTO(buf) struct buf text = {0};

    buf_printf(&text, "%s ", kind ? kind : "");
    buf_span(&text, row->value[1]);
    AUTO(json) json_t *shown = json_bytes(buf_view(&text));
    if (!kind || !shown)
        return err_memory(err);
    if (d->proof->place.final && span_is(row->value[1], MY_NOTES))
        return true;
    return json_object_get(d->known, json_string_value(shown)) ||
           proof_note_kind(d->proof->part, kind, row->value[1], "extra", err);
}

static bool compare_all(struct ddl *d, struct err *err)
{
    static const char *const files[] = {"routines.sql", "views.sql", "triggers.sql", "events.sql"};

    if (!split_tables(d, err) || !compare_tables(d, err) ||
        !compare_list(d, "sequences.sql", "sequences", compare_sequence, err) ||
        !db_exec(d->db, err, "SET character_set_results = NULL"))
        return false;
    for (size_t i = 0; i < COUNT(files); i++)
        if (!compare_list(d, files[i], "objects", compare_object, err))
            return false;
    return db_exec(d->db, err, "SET character_set_results = utf8mb4") &&
           d->db->ops->query(d->db, span_of(names_sql), look_at_name, d, NULL, err);
}

bool my_proof_objects(struct my_proof *m, struct err *err)
{
    AUTO(db) struct db *db = NULL;
    AUTO(json) json_t *known = json_object();

    if (!known)
        return err_memory(err);
    if (!my_proof_session(m, false, &db, err))
        return false;
    struct ddl d = {.proof = m, .db = db, .known = known, .creates = VEC(struct span)};
    my_echo_init(m, db, &d.echo);
    bool ok = compare_all(&d, err);
    my_echo_done(&d.echo);
    buf_done(&d.tables);
    vec_done(&d.creates);
    return ok;
}
