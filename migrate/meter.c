#include "migrate/meter.h"

#include "lib/base/json.h"
#include "lib/base/progress.h"

/* A change is looked at once it comes to this share of the table's rows. */
#define LOOK_SHARE 100
/* So often per file a table is read at once because a statement may have reached it. */
#define GUESSES 20

struct table *meter_table(struct meter *m, uint64_t id, struct span name)
{
    struct table *t = m->tables.at;

    for (size_t i = 0; i < m->tables.count; i++) {
        if (id ? t[i].id == id : span_is(name, t[i].name))
            return &t[i];
    }
    return NULL;
}

static bool rename_table(struct table *t, struct span name, struct span quoted, struct err *err)
{
    if (span_is(name, t->name) && span_is(quoted, t->quoted))
        return true;
    AUTO(free) char *name_copy = span_dup(name);
    AUTO(free) char *quoted_copy = span_dup(quoted);
    if (!name_copy || !quoted_copy)
        return err_memory(err);
    free(t->name);
    free(t->quoted);
    t->name = TAKE(name_copy);
    t->quoted = TAKE(quoted_copy);
    return true;
}

struct table *meter_add(struct meter *m, uint64_t id, struct span name, struct span quoted,
                        struct err *err)
{
    struct table *t = meter_table(m, id, name);

    if (!t) {
        t = vec_add(&m->tables, err);
        if (!t)
            return NULL;
        t->id = id;
        t->columns = (struct vec)VEC(struct column);
        t->name = span_dup(name);
        t->quoted = span_dup(quoted);
        if (!t->name || !t->quoted) {
            table_done(t);
            m->tables.count--;
            err_memory(err);
            return NULL;
        }
    }
    t->seen = true;
    return rename_table(t, name, quoted, err) ? t : NULL;
}

/* ---- telling -----------------------------------------------------------------------------------*/

static bool tell(struct meter *m, const struct table *t, uint64_t rows_after, json_t *columns,
                 struct err *err)
{
    const struct gathered *g = &t->more;
    bool pg = m->conf.session->dialect == SQL_POSTGRESQL;
    uint64_t moved = rows_after > t->rows ? rows_after - t->rows : t->rows - rows_after;
    uint64_t changed = g->changed > moved ? g->changed : moved;

    return JOURNAL(m->conf.journal, err, "migrate.change", f_str("database", m->conf.database),
                   f_str("engine", pg ? "postgresql" : "mariadb"), f_str("file", g->file),
                   f_bool("data", g->data), f_num("line", g->line), f_str("sql", g->sql),
                   f_str("table", t->name), f_num("rows_before", (int64_t)t->rows),
                   f_num("rows_after", (int64_t)rows_after), f_num("changed", (int64_t)changed),
                   f_json("columns", columns));
}

static bool tell_unread(struct meter *m, struct table *t, uint64_t rows_after, struct err *err)
{
    AUTO(json) json_t *none = json_array();

    if (!none)
        return err_memory(err);
    if (!tell(m, t, rows_after, none, err))
        return false;
    t->rows = rows_after;
    gathered_clear(&t->more);
    return true;
}

/* ---- looking -----------------------------------------------------------------------------------*/

struct looking {
    struct meter *m;
    const struct table *t;
};

/* A trigger or ON UPDATE stamps every row that is touched: a time of now in a column that the
 * statement does not name is no accident. */
static bool stamped(void *ctx, const struct column *c, bool *skip, struct err *err)
{
    const struct looking *l = ctx;
    AUTO(buf) struct buf sql = {0}, v = {0};

    if (!c->is_time || c->distinct != 1 || !l->t->more.sql || strcasestr(l->t->more.sql, c->name))
        return true;
    buf_printf(&sql, "%s%s%s%s", l->m->ops->recent_before, c->quoted, l->m->ops->recent_after,
               l->t->quoted);
    if (!buf_ok(&sql, err) || !db_value(l->m->db, &v, err, "%s", buf_str(&sql)))
        return false;
    *skip = strcmp(buf_str(&v), "1") == 0;
    return true;
}

/* Fills columns, rows and what collapsed. */
static bool read_table(struct meter *m, const struct table *t, struct vec *columns, uint64_t *rows,
                       json_t **wiped, struct err *err)
{
    struct looking l = {m, t};

    if (!m->ops->columns(m, t, columns, err) || !profile_read(m->db, t->quoted, columns, rows, err))
        return false;
    *wiped = profile_collapsed(&t->columns, columns, *rows, stamped, &l, err);
    return *wiped || (err && err->code ? false : err_memory(err));
}

static bool read_inside(struct meter *m, const struct table *t, struct vec *columns, uint64_t *rows,
                        json_t **wiped, struct err *err)
{
    struct err left = {0};

    if (!m->ops->enter(m, err))
        return false;
    bool ok = read_table(m, t, columns, rows, wiped, err);
    if (!m->ops->leave(m, ok ? err : &left))
        return false;
    return ok;
}

static bool differs(const struct table *t, uint64_t rows, json_t *wiped)
{
    return t->more.changed || rows != t->rows || json_array_size(wiped) > 0;
}

/* Reads the table anew and tells what is different. */
static bool look(struct meter *m, struct table *t, struct err *err)
{
    AUTO(json) json_t *wiped = NULL;
    struct vec columns = VEC(struct column);
    uint64_t rows = 0;

    if (!read_inside(m, t, &columns, &rows, &wiped, err)) {
        columns_free(&columns);
        return err_add(err, "cannot measure table '%s'", t->name);
    }
    columns_free(&t->columns);
    t->columns = columns;
    t->profiled = true;
    bool told = !wiped
                    ? err_memory(err)
                    : (!t->more.file || !differs(t, rows, wiped)) || tell(m, t, rows, wiped, err);
    t->rows = rows;
    gathered_clear(&t->more);
    return told;
}

static bool settle(struct meter *m, struct table *t, struct err *err)
{
    const struct gathered *g = &t->more;

    if (!g->file)
        return true;
    if (m->conf.profile && (g->look || !t->profiled))
        return look(m, t, err);
    if (!g->changed) {
        gathered_clear(&t->more);
        return true;
    }
    int64_t rows = (int64_t)t->rows + g->rows;
    return tell_unread(m, t, rows < 0 ? 0 : (uint64_t)rows, err);
}

static bool gather(struct meter *m, struct gathered *g, const struct meter_step *step,
                   const struct touch *touch, struct err *err)
{
    AUTO(buf) struct buf sql = {0};

    g->changed += touch->changed;
    g->rows += touch->rows;
    g->look = g->look || touch->look;
    if (g->file && touch->changed <= g->largest)
        return true;
    AUTO(free) char *file = span_dup(span_of(step->script->name));
    if (!file || !classify_show(m->conf.session->dialect, step->statement->text,
                                step->script->is_short, &sql))
        return err_memory(err);
    free(g->file);
    free(g->sql);
    g->file = TAKE(file);
    g->sql = buf_take(&sql);
    g->largest = touch->changed;
    g->line = step->statement->line;
    g->data = step->data;
    return true;
}

bool meter_touch(struct meter *m, struct table *t, const struct meter_step *step,
                 const struct touch *touch, struct err *err)
{
    struct err later = {0};

    if (!m->conf.profile) /* without a first reading there is nothing to compare with */
        return true;
    if (!gather(m, &t->more, step, touch, err))
        return false;
    bool now = touch->now || (touch->guess && t->guesses++ < GUESSES);
    if (!now && t->more.changed * LOOK_SHARE < t->rows)
        return true;
    /* A reading that fails now is made up for at the flush. */
    if (settle(m, t, &later) || later.code == ERR_SQL || later.code == ERR_LOCK ||
        later.code == ERR_RIGHTS)
        return true;
    *err = later;
    return false;
}

bool meter_dropped(struct meter *m, size_t at, const struct meter_step *step, struct err *err)
{
    struct table *tables = m->tables.at;
    struct table *t = &tables[at];
    struct touch gone = {.changed = t->rows};
    bool ok = true;

    if (t->rows && step)
        ok = gather(m, &t->more, step, &gone, err) && tell_unread(m, t, 0, err);
    table_done(t);
    m->tables.count--;
    memmove(t, t + 1, (m->tables.count - at) * sizeof(*t));
    return ok;
}

/* ---- life --------------------------------------------------------------------------------------*/

static bool profile_all(struct meter *m, struct err *err)
{
    AUTO(progress) struct progress *p = progress_open("measure", 0);
    struct table *t = m->tables.at;

    for (size_t i = 0; i < m->tables.count; i++) {
        progress_note(p, t[i].name);
        if (!cmd_stop_check(err) || !look(m, &t[i], err))
            return false;
    }
    return true;
}

bool meter_session(struct meter *m, struct session *session, struct err *err)
{
    m->conf.session = session;
    m->db = session->db;
    return m->ops->session(m, err);
}

bool meter_open(const struct meter_conf *conf, struct meter **out, struct err *err)
{
    AUTO(meter) struct meter *m = calloc(1, sizeof(*m));

    if (!m)
        return err_memory(err);
    m->conf = *conf;
    m->ops = conf->session->dialect == SQL_POSTGRESQL ? &meter_postgresql : &meter_mariadb;
    m->tables = (struct vec)VEC(struct table);
    if (!meter_session(m, conf->session, err) || !m->ops->list(m, err) ||
        (conf->profile && !profile_all(m, err)))
        return false;
    *out = TAKE(m);
    return true;
}

void meter_close(struct meter *m)
{
    if (!m)
        return;
    struct table *t = m->tables.at;
    if (m->ops->close)
        m->ops->close(m);
    for (size_t i = 0; i < m->tables.count; i++)
        table_done(&t[i]);
    vec_done(&m->tables);
    free(m);
}

bool meter_begin(struct meter *m, struct err *err)
{
    m->in_transaction = true;
    return m->ops->list(m, err);
}

void meter_end(struct meter *m)
{
    m->in_transaction = false;
}

void meter_forget(struct meter *m)
{
    struct table *t = m->tables.at;

    for (size_t i = 0; i < m->tables.count; i++)
        gathered_clear(&t[i].more);
    m->in_transaction = false;
}

bool meter_after(struct meter *m, const struct meter_step *step, json_t **locks, struct err *err)
{
    json_t *list = json_array();

    *locks = list;
    return list ? m->ops->after(m, step, list, err) : err_memory(err);
}

bool meter_flush(struct meter *m, struct err *err)
{
    struct table *t = m->tables.at;

    for (size_t i = 0; i < m->tables.count; i++) {
        t[i].guesses = 0;
        if (!settle(m, &t[i], err))
            return false;
    }
    return true;
}
