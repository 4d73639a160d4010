/* The moving of a database's tables to the name that was asked for.
 *
 * One RENAME TABLE moves all of them, and what was there out of the way: there is never a half, and a
 * crash of the server leaves all or none (atomic from MariaDB 10.6 on). Triggers, views, routines and
 * events cannot be moved: they are made in their place right behind it, and are missing meanwhile.
 * A table cannot leave its database while it has triggers: one that is replaced is moved to another
 * name in it, loses its triggers, and then follows the others.
 */
#include "restore/my_accounts.h"
#include "restore/my_aside.h"
#include "restore/my_progress.h"

#include "lib/base/json.h"
#include "lib/base/log.h"

struct moving {
    struct my_target *target;
    char old[PLACE_NAME];
    const char *from;     /* database whose tables are listed */
    json_t *with_trigger; /* names, as keys */
    json_t *aside;        /* of those in the database itself: the name they had */
    struct my_aside keys; /* of those */
    uint64_t count;       /* of the new ones */
    struct db *there;     /* a session on that database */
    struct buf list;      /* "a TO b, c TO d" */
};

static void moving_done(struct moving *m)
{
    json_decref(m->with_trigger);
    json_decref(m->aside);
    my_aside_done(&m->keys);
    db_close(m->there);
    buf_done(&m->list);
}

static inline void auto_moving(struct moving *m)
{
    moving_done(m);
}

/* ---- the list ----------------------------------------------------------------------------------*/

static bool add_move(struct moving *m, const char *from, const char *name, const char *to,
                     const char *new_name, struct err *err)
{
    struct db *db = m->target->main;

    buf_puts(&m->list, m->list.len ? ", " : "");
    db_quote_qualified(db, from, name, &m->list);
    buf_puts(&m->list, " TO ");
    db_quote_qualified(db, to, new_name, &m->list);
    return buf_ok(&m->list, err);
}

static bool move_old(void *ctx, const struct db_row *row, struct err *err)
{
    struct moving *m = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);
    char aside[PLACE_NAME];

    if (!name)
        return err_memory(err);
    if (!json_object_get(m->with_trigger, name))
        return add_move(m, m->from, name, m->old, name, err);
    place_old_name(name, aside);
    return (json_object_set_new_nocheck(m->aside, aside, json_bytes(span_of(name))) == 0 ||
            err_memory(err)) &&
           add_move(m, m->from, name, m->from, aside, err);
}

static bool move_new(void *ctx, const struct db_row *row, struct err *err)
{
    struct moving *m = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    if (!name)
        return err_memory(err);
    if (strcmp(name, MY_NOTES) == 0)
        return true;
    m->count++;
    return add_move(m, m->from, name, m->target->conf.final, name, err);
}

static bool each_table(struct moving *m, const char *database, db_each each, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    m->from = database;
    db_quote_text(m->target->main, database, &text);
    return buf_ok(&text, err) &&
           db_rows(m->target->main, each, m, err,
                   "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND "
                   "table_type <> 'VIEW' ORDER BY table_name",
                   buf_str(&text));
}

static bool list_old(struct moving *m, struct err *err)
{
    struct my_target *t = m->target;
    AUTO(buf) struct buf text = {0}, sql = {0};

    db_quote_text(t->main, t->conf.final, &text);
    buf_printf(&sql,
               "SELECT DISTINCT event_object_table FROM information_schema.triggers WHERE "
               "trigger_schema = %s",
               buf_str(&text));
    return buf_ok(&text, err) && buf_ok(&sql, err) &&
           db_names(t->main, &m->with_trigger, err, buf_str(&sql)) &&
           each_table(m, t->conf.final, move_old, err);
}

/* ---- what is left of the old one in its database -----------------------------------------------*/

static bool is_aside(struct span name)
{
    char like[PLACE_NAME];

    place_old_name("", like);
    return name.len == strlen(like) && span_starts(name, "rehearse_old_");
}

static bool move_aside(void *ctx, const struct db_row *row, struct err *err)
{
    struct moving *m = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    if (!name)
        return err_memory(err);
    if (!is_aside(row->value[0]))
        return true;
    const char *was = json_string_value(json_object_get(m->aside, name));
    AUTO(free) char *back = was ? json_bytes_back(was, NULL) : strdup(name);
    return back ? add_move(m, m->from, name, m->old, back, err) : err_memory(err);
}

/* ---- defaults that draw from sequences ---------------------------------------------------------*/

/* nextval(`database`.`sequence`) or lastval(...). What is only like it is defined again as it is. */
static bool draws(struct span line)
{
    static const char mark[] = "val(`";

    return memmem(line.at, line.len, mark, sizeof(mark) - 1) != NULL;
}

/* A column's definition is one line of SHOW CREATE TABLE. */
static bool add_column(const struct my_here *here, struct db *db, const char *table,
                       struct span line, struct buf *sql, struct err *err)
{
    line = span_trim(line);
    if (!line.len || *line.at != '`' || !draws(line))
        return true;
    if (line.at[line.len - 1] == ',')
        line.len--;
    if (!sql->len) {
        buf_puts(sql, "ALTER TABLE ");
        db_quote_name(db, table, sql);
    } else {
        buf_putc(sql, ',');
    }
    buf_puts(sql, " MODIFY ");
    return my_here_table(here, line, sql, err);
}

/* All of a table's in one statement: the table cannot be opened while one names what is gone. */
static bool mend_table(const struct my_here *here, struct db *db,
                       const struct my_target_table *table, struct err *err)
{
    struct span rest = span_of(table->create), line;
    AUTO(buf) struct buf sql = {0};

    while (span_split(&rest, '\n', &line))
        if (!add_column(here, db, table->name, line, &sql, err))
            return false;
    return !sql.len || my_run(db, buf_str(&sql), sql.len, err) ||
           err_add(err, "table '%s'", table->name);
}

/* placed: the other databases have the names that they get at the end. */
static bool find_names(const struct my_target *t, bool placed, struct my_here *out, struct err *err)
{
    struct my_here_conf conf = {.bundle = t->conf.bundle,
                                .place = t->conf.place,
                                .component = t->conf.component,
                                .database = t->conf.final,
                                .what = &t->conf.what,
                                .placed = placed};

    return my_here_open(&conf, t->main, out, err);
}

static bool keep_versions(const struct my_target *t, struct db *db, struct err *err)
{
    return !t->versioned || db_exec(db, err, "SET SESSION system_versioning_alter_history = KEEP");
}

/* A sequence of a database that is moved behind this one has its last name only then. */
static bool mend_for_now(struct my_target *t, struct db *db, struct my_target_table *table,
                         struct err *err)
{
    struct my_here now;

    if (!find_names(t, false, &now, err))
        return false;
    table->late = mend_table(&now, db, table, err);
    my_here_done(&now);
    return table->late;
}

static bool mend_tables(struct my_target *t, struct db *db, struct err *err)
{
    if (!keep_versions(t, db, err))
        return false;
    for (size_t i = 0; i < t->table_count; i++) {
        struct err why = {0};
        if (!mend_table(&t->here, db, &t->tables[i], &why) &&
            !mend_for_now(t, db, &t->tables[i], NULL))
            return err_pass(err, &why);
    }
    return true;
}

static bool mend_late(struct my_target *t, struct db *db, struct err *err)
{
    if (!keep_versions(t, db, err))
        return false;
    for (size_t i = 0; i < t->table_count; i++) {
        if (t->tables[i].late && !mend_table(&t->here, db, &t->tables[i], err))
            return false;
        t->tables[i].late = false;
    }
    return true;
}

/* ---- the place behind the move -----------------------------------------------------------------*/

/* Objects of the old one go, the tables that had triggers follow the others, and the new tables can be
 * opened again. */
static bool clear_place(struct moving *m, struct db *db, struct err *err)
{
    struct my_target *t = m->target;

    buf_clear(&m->list);
    if (!my_objects_drop(db, err) || !each_table(m, t->conf.final, move_aside, err) ||
        (m->list.len && !db_exec(t->main, err, "RENAME TABLE %s", buf_str(&m->list))))
        return false;
    return mend_tables(t, db, err);
}

bool my_keep_clear(struct my_target *t, struct db *db, struct err *err)
{
    AUTO(moving) struct moving m = {.target = t};

    place_old_name(t->conf.final, m.old);
    return clear_place(&m, db, err);
}

/* ---- the move ----------------------------------------------------------------------------------*/

/* It was looked at before the load, which may have taken hours. */
static bool still_free(struct my_target *t, struct err *err)
{
    bool filled = false;

    if (!my_is_filled(t, t->conf.final, &filled, err))
        return false;
    if (!filled)
        return true;
    err_set(err, ERR_EXISTS, "database '%s' at %s was filled while it was restored", t->conf.final,
            t->main->label);
    if (t->conf.replace)
        return err_hint(err, "it was empty when the restore began: repeat it");
    return err_hint(err, "--replace-database %s puts the new one in its place", t->conf.final);
}

/* What a killed restore has left there goes only now that the new one is whole, and only if no key of
 * somebody's names it. `db` is not used for anything else. */
static bool drop_left(const struct moving *m, struct db *db, struct err *err)
{
    struct my_target *t = m->target;
    bool exists = false;

    if (!my_database_exists(t, m->old, &exists, err))
        return false;
    if (!exists)
        return true;
    log_warn("what was set aside by an earlier restore is dropped", f_str("database", m->old),
             f_str("server", t->main->label));
    bool ok = my_place_drop_old(t, db, m->old, err);
    return db_exec(t->main, ok ? err : NULL, "SET SESSION foreign_key_checks = 0") && ok;
}

static bool make_place(struct moving *m, struct db *db, struct err *err)
{
    struct my_target *t = m->target;
    AUTO(buf) struct buf charset = {0}, text = {0}, name = {0};

    if (!t->base.replaced)
        return still_free(t, err) && my_database_make(t, t->conf.final, err);
    db_quote_text(t->main, t->conf.final, &text);
    db_quote_name(t->main, m->old, &name);
    return buf_ok(&text, err) && buf_ok(&name, err) && drop_left(m, db, err) &&
           db_value(t->main, &charset, err,
                    "SELECT concat(' CHARACTER SET = ', default_character_set_name, ' COLLATE = ', "
                    "default_collation_name) FROM information_schema.schemata WHERE schema_name = "
                    "%s",
                    buf_str(&text)) &&
           db_exec(t->main, err, "CREATE DATABASE %s%s", buf_str(&name), buf_str(&charset));
}

static bool open_there(struct moving *m, struct err *err)
{
    struct db_conf conf = m->target->db_conf;

    conf.database = m->target->conf.final;
    if (!db_open(&conf, &m->there, err))
        return false;
    m->keys = (struct my_aside){.db = m->there, .back = VEC(char *)};
    return db_exec(m->there, err, "SET SESSION foreign_key_checks = 0, lock_wait_timeout = %u",
                   MY_LOCK_WAIT_S);
}

/* Keys of tables that cannot leave their database yet make room for the new ones. */
static bool keys_aside(struct moving *m, struct err *err)
{
    const char *name;
    json_t *unused;

    if (!json_object_size(m->with_trigger))
        return true;
    if (!open_there(m, err))
        return false;
    json_object_foreach(m->with_trigger, name, unused)
    {
        if (!my_aside_keys(&m->keys, name, err))
            return err_add(err, "table '%s'", name);
    }
    return true;
}

static bool in_use(struct err *err)
{
    return err && err->code == ERR_LOCK
               ? err_hint(err, "end the sessions that use its tables: see SHOW PROCESSLIST")
               : false;
}

/* Behind a move that failed: what was made for the old tables goes when none is in it. */
static void leave_old(struct moving *m, struct err *err)
{
    struct my_target *t = m->target;
    struct err why = {0};
    bool filled = true;

    if (my_is_filled(t, m->old, &filled, &why) && !filled && my_database_drop(t, m->old, &why))
        return;
    log_warn("what was made for the old tables stays", f_str("database", m->old),
             f_str("why", filled && !*why.text ? "something is in it" : why.text));
    err_add(err, "see '%s', which stays", m->old);
}

/* A server that cannot do it at once, or was lost meanwhile, may have moved some: no table may be lost
 * with the database that was loaded. */
static void leave_load(struct moving *m, struct err *err)
{
    struct my_target *t = m->target;
    uint64_t left = 0;

    if (my_count_tables(t, t->conf.db->database, &left, NULL) && left == m->count)
        return;
    t->kept = true;
    err_add(err, "some tables may have moved: '%s' stays, too", t->conf.db->database);
    err_hint(err, "look at both before anything is dropped; RENAME TABLE moves them");
}

static bool rename_all(struct moving *m, struct err *err)
{
    struct my_target *t = m->target;
    struct err why = {0};

    if ((!t->base.replaced || keys_aside(m, err)) &&
        (!m->list.len || db_exec(t->main, err, "RENAME TABLE %s", buf_str(&m->list))))
        return true;
    in_use(err);
    if (t->base.replaced)
        leave_old(m, err);
    leave_load(m, err);
    if (m->there && !my_aside_back(&m->keys, &why))
        log_warn("a foreign key has another name now", f_str("database", t->conf.final),
                 f_str("why", why.text));
    return false;
}

/* And how many there are to move: who goes on sees whether some of them have. */
static bool note_move(const struct moving *m, struct err *err)
{
    struct my_target *t = m->target;
    char number[24];

    snprintf(number, sizeof(number), "%llu", (unsigned long long)m->count);
    return my_progress_note(t, t->main, "tables", number, err) &&
           my_progress_note(t, t->main, "load", "moving", err);
}

/* On failure all is as it was, but that the load has lost its views and triggers. */
static bool move(struct moving *m, struct err *err)
{
    struct my_target *t = m->target;
    AUTO(db) struct db *db = NULL;

    return my_target_session(t, &db, err) && my_objects_drop(db, err) && make_place(m, db, err) &&
           (!t->base.replaced || list_old(m, err)) && each_table(m, t->database, move_new, err) &&
           note_move(m, err) && rename_all(m, err);
}

/* From here on the texts are those of the name that it has. */
static bool settle_names(struct my_target *t, struct err *err)
{
    my_here_done(&t->here);
    if (!find_names(t, true, &t->here, err))
        return false;
    free(t->database);
    t->database = strdup(t->conf.final);
    t->db_conf.database = t->database;
    return t->database || err_memory(err);
}

/* Triggers first: without them rows that somebody writes already would be others. */
static bool make_behind(struct moving *m, struct err *err)
{
    struct my_target *t = m->target;
    AUTO(db) struct db *db = NULL;

    return my_target_session(t, &db, err) && clear_place(m, db, err) &&
           my_database_make(t, t->conf.final, err) && my_objects(t, db, MY_TRIGGERS, err) &&
           my_objects(t, db, MY_ROUTINES, err);
}

static bool incomplete(struct my_target *t, struct err *err)
{
    err_add(err, "the tables of '%s' are in their place, not all that belongs to them",
            t->conf.final);
    return err_hint(err, "mend it, and go on with --resume%s%s",
                    t->base.replaced ? " --replace-database " : "",
                    t->base.replaced ? t->conf.final : "");
}

bool my_target_keep(struct target *base, struct err *err)
{
    struct my_target *t = (struct my_target *)base;
    AUTO(moving) struct moving m = {.target = t, .aside = json_object()};

    if (t->conf.owned)
        return true;
    if (!m.aside)
        return err_memory(err);
    place_old_name(t->conf.final, m.old);
    if (!t->base.placed && !move(&m, err))
        return false;
    t->kept = true;
    return (settle_names(t, err) && make_behind(&m, err)) || incomplete(t, err);
}

/* ---- the end -----------------------------------------------------------------------------------*/

/* Of a restore that goes on: what it had set aside is dropped only when that may be replaced. */
static bool drop_old(struct my_target *t, struct db *db, struct err *err)
{
    struct err why = {0};
    char old[PLACE_NAME];
    bool exists = false;

    place_old_name(t->conf.final, old);
    if (!my_database_exists(t, old, &exists, err))
        return false;
    if (!exists)
        return true;
    if (t->base.placed && !t->conf.replace)
        return target_leave(&t->base, t->conf.component, old,
                            "it is what was there before; --replace-database drops it", err);
    t->base.replaced = true;
    return my_place_drop_old(t, db, old, &why) ||
           target_leave(&t->base, t->conf.component, old, why.text, err);
}

bool my_target_clear(struct target *base, bool all, struct err *err)
{
    struct my_target *t = (struct my_target *)base;
    AUTO(db) struct db *db = NULL;

    if (t->conf.owned)
        return true;
    if (!my_target_session(t, &db, err) || !mend_late(t, db, err) || !my_views_sorted(t, db, err) ||
        !my_grants_restore(t, db, t->database, err) || !my_events_on(t, db, err))
        return incomplete(t, err);
    return !all || (drop_old(t, db, err) && my_database_drop(t, t->conf.db->database, err));
}
