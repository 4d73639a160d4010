#include "migrate/apply.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "migrate/invalid.h"
#include "migrate/lint.h"
#include "migrate/meter.h"

struct apply {
    const struct apply_conf *conf;
    const struct work *work;
    const struct plan_file *file; /* in hand */
    struct session session;       /* of the file in hand */
    struct meter *meter;
    struct invalid *invalid;
    unsigned failed_at; /* statement, counted from 0 */
    bool in_commit;     /* the failure came from our COMMIT */
    unsigned landed;    /* statements of the file that are committed for sure */
    int64_t started_ns;
};

static const struct statement *statement_at(const struct apply *a, unsigned i)
{
    return &script_statements(a->file->script)[i];
}

static bool is_pg(const struct apply *a)
{
    return a->work->item->db->engine == DB_POSTGRESQL;
}

static const char *engine_of(const struct apply *a)
{
    return is_pg(a) ? "postgresql" : "mariadb";
}

static void report(const struct apply *a, const char *what, const struct field *fields)
{
    const struct migrate_job *job = a->conf->job;

    if (job->report)
        job->report(job->report_ctx, what, fields);
}

static double ms_since(int64_t ns)
{
    return (double)(clock_mono_ns() - ns) / 1e6;
}

static struct ledger_unit unit_of(const struct apply *a, const struct unit *u, const char *xid)
{
    return (struct ledger_unit){.database = a->work->item->database,
                                .data = a->work->item->data,
                                .script = a->file->script,
                                .unit = u,
                                .xid = xid};
}

static bool prefix_of(const struct apply *a, unsigned statements, struct digest *out,
                      struct err *err)
{
    return script_normal(a->file->script, is_pg(a) ? SQL_POSTGRESQL : SQL_MARIADB, statements, out,
                         err);
}

/* ---- one statement -----------------------------------------------------------------------------*/

static bool give_once(void *ctx, struct span *piece, struct err *err)
{
    struct span *rest = ctx;

    (void)err;
    *piece = *rest;
    *rest = (struct span){NULL, 0};
    return true;
}

static bool send(struct apply *a, const struct statement *st, struct db_result *result,
                 struct err *err)
{
    struct db *db = a->session.db;
    struct span data = st->copy_data;

    if (!st->copy_data.at)
        return db->ops->query(db, st->text, NULL, NULL, result, err);
    if (!db->ops->copy_in(db, st->text, give_once, &data, &result->rows, err))
        return false;
    snprintf(result->tag, sizeof(result->tag), "COPY");
    return true;
}

static bool journal_statement(const struct apply *a, const struct meter_step *step, unsigned i,
                              double took_ms, json_t *locks, struct err *err)
{
    AUTO(buf) struct buf sql = {0};
    const struct statement *st = step->statement;

    if (!classify_show(a->session.dialect, st->text, step->script->is_short, &sql))
        return err_memory(err);
    report(a, "statement done",
           FIELDS(f_str("file", step->script->name), f_num("line", st->line),
                  f_str("tag", step->result.tag), f_num("rows", (int64_t)step->result.rows),
                  f_num("took_ms", (int64_t)took_ms)));
    return JOURNAL(a->conf->journal, err, "migrate.statement",
                   f_str("database", a->work->item->database), f_str("engine", engine_of(a)),
                   f_str("file", step->script->name), f_bool("data", step->data),
                   f_num("index", i + 1), f_num("line", st->line), f_str("sql", buf_str(&sql)),
                   f_str("tag", step->result.tag), f_num("rows", (int64_t)step->result.rows),
                   f_real("took_ms", took_ms), f_json("locks", locks),
                   f_bool("no_where", st->no_where));
}

static bool is_bracket(const struct statement *st)
{
    return st->tx == TX_BEGIN || st->tx == TX_COMMIT || st->tx == TX_AUTO_OFF ||
           st->tx == TX_AUTO_ON;
}

/* What is committed by now, whatever fails behind it (a full disk under the journal, say). */
static void note_landed(struct apply *a, const struct unit *u, unsigned i)
{
    enum tx_kind kind = statement_at(a, i)->tx;
    bool alone = !u->wrap && !u->own;

    if (alone || (u->own && (kind == TX_COMMIT || kind == TX_IMPLICIT || kind == TX_AUTO_ON)))
        a->landed = i + 1;
}

static bool run_statement(struct apply *a, const struct unit *u, unsigned i, struct err *err)
{
    const struct statement *st = statement_at(a, i);
    struct meter_step step = {
        .script = a->file->script, .statement = st, .data = a->work->item->data};
    AUTO(json) json_t *locks = NULL;

    a->failed_at = i;
    if (!cmd_stop_check(err))
        return false;
    int64_t from = clock_mono_ns();
    if (!send(a, st, &step.result, err))
        return false;
    double took_ms = ms_since(from);
    note_landed(a, u, i);
    if (!is_bracket(st) && !meter_after(a->meter, &step, &locks, err))
        return err_add(err, "cannot measure");
    if (!locks && !(locks = json_array()))
        return err_memory(err);
    return journal_statement(a, &step, i, took_ms, locks, err);
}

/* ---- one unit ----------------------------------------------------------------------------------*/

/* Opens the transaction, and learns its id before anything is written down: so that after a crash
 * the server can be asked. *next: the first statement still to be run. */
static bool open_unit(struct apply *a, const struct unit *u, unsigned *next, char xid[24],
                      struct err *err)
{
    *next = u->first;
    xid[0] = '\0';
    a->failed_at = u->first;
    if (!u->wrap && !(u->own && is_pg(a)))
        return true;
    if (u->wrap && !db_exec(a->session.db, err, "BEGIN"))
        return false;
    if (u->own && !run_statement(a, u, (*next)++, err))
        return false;
    return session_xid(&a->session, xid, err) && meter_begin(a->meter, err);
}

static bool run_unit(struct apply *a, const struct unit *u, struct err *err)
{
    char xid[24];
    unsigned next;
    struct digest prefix;

    if (!open_unit(a, u, &next, xid, err))
        return false;
    struct ledger_unit record = unit_of(a, u, xid);
    if (!prefix_of(a, u->last + 1, &prefix, err) || !ledger_begin(a->conf->ledger, &record, err))
        return false;
    for (unsigned i = next; i <= u->last; i++) {
        if (!run_statement(a, u, i, err))
            return false;
    }
    a->in_commit = u->wrap;
    if (u->wrap && !db_exec(a->session.db, err, "COMMIT"))
        return false;
    a->in_commit = false;
    a->landed = u->last + 1;
    meter_end(a->meter);
    return ledger_done(a->conf->ledger, &record, &prefix, err);
}

/* ---- what is committed after a failure ---------------------------------------------------------*/

/* Statements of the file that are committed, now that statement failed_at of unit u failed. */
static unsigned committed_after(const struct apply *a, const struct unit *u)
{
    /* MariaDB: DDL commits what is open before it fails itself. */
    bool implicit = u->own && statement_at(a, a->failed_at)->tx == TX_IMPLICIT;
    unsigned by_kind = implicit ? a->failed_at : u->first;

    return a->landed > by_kind ? a->landed : by_kind;
}

static void tell_earlier(const struct apply *a, struct buf *out)
{
    const struct plan_file *first = work_files(a->work);
    size_t count = 0;
    const char *last = NULL;

    for (const struct plan_file *f = first; f < a->file; f++) {
        if (f->action != ACTION_APPLY)
            continue;
        if (count++ < 4)
            buf_printf(out, "%s%s", count > 1 ? ", " : "", f->script->name);
        last = f->script->name;
    }
    if (count > 4)
        buf_printf(out, " ... %s (%zu files)", last, count);
    buf_puts(out, count ? " whole; " : "");
}

static void tell_committed(const struct apply *a, unsigned statements, bool known, struct buf *out)
{
    const char *name = a->file->script->name;

    tell_earlier(a, out);
    if (!known)
        buf_printf(out, "of %s unknown, since the server went away: run again to find out", name);
    else if (statements == 1)
        buf_printf(out, "of %s statement 1", name);
    else if (statements)
        buf_printf(out, "of %s statements 1-%u", name, statements);
    else
        buf_printf(out, "of %s nothing%s", name, is_pg(a) ? " (rolled back)" : "");
}

static bool explain(const struct apply *a, unsigned statements, bool known, struct err *err)
{
    const struct script *s = a->file->script;
    AUTO(buf) struct buf committed = {0};
    struct err why = *err;

    tell_committed(a, statements, known, &committed);
    err_set(err, why.code, "file '%s' failed at line %u (%s %u of %zu): %.500s; committed: %s",
            s->name, statement_at(a, a->failed_at)->line,
            a->in_commit ? "COMMIT behind statement" : "statement", a->failed_at + 1,
            s->statements.count, why.text, buf_str(&committed));
    return why.hint[0] ? err_hint(err, "%s", why.hint) : false;
}

static bool unit_failed(struct apply *a, const struct unit *u, struct err *err)
{
    unsigned statements = committed_after(a, u);
    struct ledger_unit record = unit_of(a, u, "");
    struct digest prefix;
    struct err second = {0};
    bool known = err->code != ERR_UNREACHABLE;

    /* The session may lie in a failed transaction; when it is gone this changes nothing. */
    if (!db_exec(a->session.db, &second, "ROLLBACK"))
        known = false;
    meter_forget(a->meter);
    if (known && prefix_of(a, statements, &prefix, &second))
        ledger_failed(a->conf->ledger, &record, statements, &prefix, &second);
    if (known && is_pg(a))
        invalid_look(a->invalid, a->session.db, a->file->script->name, &second);
    return explain(a, statements, known, err);
}

/* ---- one file ----------------------------------------------------------------------------------*/

static bool journal_file(const struct apply *a, const char *status, const char *why,
                         struct err *err)
{
    const struct script *s = a->file->script;
    char hex[HASH_HEX];

    digest_hex(&s->raw, hex);
    report(a, status,
           FIELDS(f_str("database", a->work->item->database), f_str("file", s->name),
                  f_num("statements", (int64_t)s->statements.count),
                  f_num("took_ms", (int64_t)ms_since(a->started_ns))));
    return JOURNAL(a->conf->journal, err, "migrate.file",
                   f_str("database", a->work->item->database), f_str("engine", engine_of(a)),
                   f_str("file", s->name), f_bool("data", a->work->item->data),
                   f_str("checksum", hex), f_str("status", status),
                   f_str("transaction", script_one_transaction(s) ? "one" : "none"),
                   f_real("took_ms", ms_since(a->started_ns)), f_str("why", why));
}

/* What the session of the committed part had set, the new one has to set again. */
static bool repeat_settings(struct apply *a, struct err *err)
{
    for (unsigned i = 0; i < a->file->from; i++) {
        const struct statement *st = statement_at(a, i);
        struct db_result none;
        a->failed_at = i;
        if (classify_is_setting(a->session.dialect, st->text) && !send(a, st, &none, err))
            return err_add(err, "cannot repeat the settings of the part that is committed");
    }
    return true;
}

static bool mark_position(struct apply *a, struct err *err)
{
    struct ledger_target t = {.database = a->work->item->database, .identity = a->session.identity};

    return session_position(&a->session, &t.position, err) && ledger_mark(a->conf->ledger, &t, err);
}

static bool run_units(struct apply *a, struct err *err)
{
    const struct script *s = a->file->script;
    const struct unit *u = script_units(s);

    if (!repeat_settings(a, err))
        return false;
    for (size_t i = 0; i < s->units.count; i++) {
        if (u[i].first < a->file->from)
            continue;
        if (!run_unit(a, &u[i], err))
            return unit_failed(a, &u[i], err);
    }
    return true;
}

static bool finish_file(struct apply *a, struct err *err)
{
    struct ledger_unit whole = unit_of(a, NULL, "");

    if (!ledger_file_done(a->conf->ledger, &whole, err) || !mark_position(a, err) ||
        !meter_flush(a->meter, err))
        return false;
    if (is_pg(a) && !invalid_look(a->invalid, a->session.db, a->file->script->name, err))
        return false;
    return journal_file(a, "applied", a->file->why, err);
}

static bool run_file(struct apply *a, struct err *err)
{
    struct err second = {0};

    a->started_ns = clock_mono_ns();
    a->in_commit = false;
    a->landed = 0;
    if (a->file->action == ACTION_SKIP)
        return journal_file(a, "skipped", a->file->why[0] ? a->file->why : "applied already", err);
    AUTO(session) struct session s = {0};
    if (!session_open(a->work->item, SESSION_WORK, a->conf->job->lock_timeout_s, &s, err))
        return false;
    a->session = s;
    if (!meter_session(a->meter, &a->session, err))
        return false;
    if (run_units(a, err) && finish_file(a, err))
        return true;
    journal_file(a, "failed", err->text, &second);
    return false;
}

/* ---- one item ----------------------------------------------------------------------------------*/

static bool lint_one(void *ctx, const struct lint_rule *rule, const struct statement *st,
                     struct err *err)
{
    struct apply *a = ctx;

    return JOURNAL(a->conf->journal, err, "migrate.lint",
                   f_str("database", a->work->item->database), f_str("file", a->file->script->name),
                   f_num("line", st->line), f_str("rule", rule->name),
                   f_str("severity", rule->severity == LINT_ERROR ? "error" : "warning"),
                   f_str("text", rule->text));
}

static bool lint_all(struct apply *a, size_t *pending, struct err *err)
{
    const struct plan_file *f = work_files(a->work);

    *pending = 0;
    for (size_t i = 0; i < a->work->files.count; i++) {
        a->file = &f[i];
        if (f[i].action != ACTION_APPLY)
            continue;
        ++*pending;
        if (!lint_script(f[i].script, is_pg(a) ? SQL_POSTGRESQL : SQL_MARIADB, lint_one, a, err))
            return false;
    }
    return true;
}

static bool run_files(struct apply *a, struct err *err)
{
    const struct plan_file *f = work_files(a->work);

    for (size_t i = 0; i < a->work->files.count; i++) {
        a->file = &f[i];
        if (!run_file(a, err))
            return false;
    }
    return true;
}

/* The first reading of all tables has a session of its own; each file's follows. */
static bool with_meter(struct apply *a, struct err *err)
{
    AUTO(session) struct session s = {0};
    AUTO(meter) struct meter *meter = NULL;
    AUTO(invalid) struct invalid *invalid = NULL;
    struct invalid_conf look = {.database = a->work->item->database, .journal = a->conf->journal};

    if (!session_open(a->work->item, SESSION_WORK, 0, &s, err))
        return false;
    struct meter_conf conf = {.session = &s,
                              .journal = a->conf->journal,
                              .database = a->work->item->database,
                              .profile = a->conf->job->profile};
    if (!meter_open(&conf, &meter, err))
        return false;
    if (is_pg(a) && !invalid_open(&look, s.db, &invalid, err))
        return false;
    session_close(&s);
    a->meter = meter;
    a->invalid = invalid;
    bool ok = run_files(a, err);
    a->session = (struct session){0};
    return ok;
}

bool apply_work(const struct apply_conf *conf, const struct work *work, struct err *err)
{
    struct apply a = {.conf = conf, .work = work};
    size_t pending;

    if (!lint_all(&a, &pending, err))
        return false;
    if (pending)
        return with_meter(&a, err);
    return run_files(&a, err);
}
