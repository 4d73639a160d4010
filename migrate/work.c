#include "migrate/work.h"

#include "migrate/name.h"

#include <inttypes.h>

struct plan_file *work_files(const struct work *w)
{
    return w->files.at;
}

void work_done(struct work *w)
{
    struct plan_file *f = w->files.at;

    for (size_t i = 0; i < w->files.count; i++)
        script_close(f[i].script);
    vec_done(&w->files);
    order_done(&w->order);
}

static enum sql_dialect dialect_of(const struct work *w)
{
    return w->item->db->engine == DB_POSTGRESQL ? SQL_POSTGRESQL : SQL_MARIADB;
}

/* ---- reading -----------------------------------------------------------------------------------*/

/* Where one file marks its up part, a file without marks was meant for another tool. */
static bool check_sections(const struct work *w, struct err *err)
{
    const struct plan_file *f = work_files(w);

    for (size_t i = 1; i < w->files.count; i++) {
        if (f[i].script->section == f[0].script->section)
            continue;
        err_set(err, ERR_CONFIG,
                "two conventions in '%s': '%s' and '%s' mark up and down differently", w->item->dir,
                f[0].script->name, f[i].script->name);
        return err_hint(err, "mark the up part of each file in one way, or of none");
    }
    return true;
}

bool work_read(const struct migrate_item *item, const struct script_modes *modes, struct work *out,
               struct err *err)
{
    struct work w = {.item = item, .files = VEC(struct plan_file)};

    if (!order_resolve(item->dir, item->db->engine, &w.order, err))
        return false;
    for (size_t i = 0; i < w.order.files.count; i++) {
        struct plan_file *f = vec_add(&w.files, err);
        if (!f || !script_open(&w.order, &order_files(&w.order)[i], dialect_of(&w), modes,
                               &f->script, err))
            goto failed;
    }
    if (!check_sections(&w, err))
        goto failed;
    *out = w;
    return true;
failed:
    work_done(&w);
    return false;
}

/* ---- changed since it was applied --------------------------------------------------------------*/

static bool same_normal(const struct script *s, const struct ledger_entry *e)
{
    return e->normal_version == SCRIPT_NORMAL && digest_eq(&s->normal, &e->normal);
}

static bool decide_done(struct plan_file *f, const struct ledger_entry *e, struct err *err)
{
    const struct script *s = f->script;

    f->action = ACTION_SKIP;
    if (digest_eq(&s->raw, &e->raw))
        return true;
    if (same_normal(s, e)) {
        snprintf(f->why, sizeof(f->why), "comments or white space changed since it was applied");
        return true;
    }
    if (s->repeatable) {
        f->action = ACTION_APPLY;
        snprintf(f->why, sizeof(f->why), "changed since it was applied");
        return true;
    }
    err_set(err, ERR_DIFFERS, "script '%s' was changed after it was applied (%s)", s->name, e->at);
    return err_hint(err, "put the change into a new script, or restore the file");
}

/* ---- half done ---------------------------------------------------------------------------------*/

/* --resume-at FILE:N for this file: N-1 statements are committed. */
static bool resume_point(const struct work_conf *conf, const struct script *s, unsigned *committed,
                         bool *given, struct err *err)
{
    const char *text = conf->job->resume_at;
    const char *colon = text ? strrchr(text, ':') : NULL;
    uint64_t n = 0;

    *given = false;
    if (!text)
        return true;
    if (!colon || !span_u64(span_of(colon + 1), &n) || n < 1)
        return err_set(err, ERR_USAGE, "'%s' is not FILE:N (hint: N counts statements from 1)",
                       text);
    if (!span_is((struct span){text, (size_t)(colon - text)}, s->name))
        return true;
    if (n > s->statements.count + 1)
        return err_set(err, ERR_USAGE, "'%s' has %zu statements, not %" PRIu64, s->name,
                       s->statements.count, n);
    *committed = (unsigned)(n - 1);
    return *given = true;
}

static bool still_in_doubt(const struct work *w, const struct plan_file *f,
                           const struct ledger_entry *e, struct err *err)
{
    const struct script *s = f->script;
    unsigned first = e->doubt_first + 1;
    unsigned line =
        e->doubt_first < s->statements.count ? script_statements(s)[e->doubt_first].line : 0;

    err_set(err, ERR_DIFFERS,
            "script '%s' was interrupted in statement %u of %zu (line %u) on '%s': whether it is "
            "applied is unknown",
            s->name, first, s->statements.count, line, w->item->database);
    return err_hint(err,
                    "look, then give --resume-at '%s:%u' to run it, or ':%u' to go on behind it",
                    s->name, first, e->doubt_last + 2);
}

/* What became of the unit that was running when the last run ended. */
static bool settle_doubt(const struct work *w, const struct plan_file *f,
                         const struct ledger_entry *e, const struct work_conf *conf,
                         unsigned *committed, struct err *err)
{
    enum xid_state state = XID_UNKNOWN;
    bool given;

    if (!resume_point(conf, f->script, committed, &given, err))
        return false;
    if (given)
        return true;
    if (e->xid[0] && !conf->session)
        return still_in_doubt(w, f, e, err);
    if (e->xid[0] && !session_xid_state(conf->session, e->xid, &state, err))
        return err_add(err, "script '%s' was interrupted", e->file);
    switch (state) {
    case XID_COMMITTED:
        if (!same_normal(f->script, e))
            return err_set(err, ERR_DIFFERS,
                           "script '%s' was changed while a part of it was being applied", e->file);
        *committed = e->doubt_last + 1;
        return true;
    case XID_ABORTED:
        *committed = e->doubt_first;
        return true;
    case XID_RUNNING:
        err_set(err, ERR_LOCK, "the server still works on script '%s' of an earlier run", e->file);
        return err_hint(err, "wait until it is done");
    case XID_UNKNOWN:
        break;
    }
    return still_in_doubt(w, f, e, err);
}

/* A new session lacks temporary tables and variables that the committed part made. */
static bool check_session_state(const struct plan_file *f, enum sql_dialect dialect,
                                struct err *err)
{
    const struct statement *st = script_statements(f->script);

    for (unsigned i = 0; i < f->from; i++) {
        if (!classify_binds_session(dialect, st[i].text))
            continue;
        err_set(
            err, ERR_UNSUPPORTED,
            "cannot resume '%s' at line %u: line %u made something that lives in its session only",
            f->script->name, st[f->from].line, st[i].line);
        return err_hint(err, "reset the box and apply everything again");
    }
    return true;
}

static bool check_unit_start(const struct plan_file *f, struct err *err)
{
    const struct unit *u = script_units(f->script);

    for (size_t i = 0; i < f->script->units.count; i++) {
        if (u[i].first == f->from)
            return true;
    }
    return err_set(err, ERR_DIFFERS, "script '%s' cannot be resumed in the middle of a transaction",
                   f->script->name);
}

static bool decide_half(const struct work *w, struct plan_file *f, const struct ledger_entry *e,
                        const struct work_conf *conf, struct err *err)
{
    enum sql_dialect dialect = dialect_of(w);
    unsigned committed = e->statements;
    struct digest prefix;

    if (e->in_doubt && !settle_doubt(w, f, e, conf, &committed, err))
        return false;
    if (!script_normal(f->script, dialect, e->statements, &prefix, err))
        return false;
    if (e->statements && !same_normal(f->script, e) && !digest_eq(&prefix, &e->prefix))
        return err_set(err, ERR_DIFFERS,
                       "script '%s': the part that is committed (statements 1-%u) was changed",
                       e->file, e->statements);
    f->from = committed;
    if (committed)
        snprintf(f->why, sizeof(f->why), "resumed behind statement %u", committed);
    if (!committed || committed >= f->script->statements.count)
        return true;
    return check_unit_start(f, err) && check_session_state(f, dialect, err);
}

/* ---- late --------------------------------------------------------------------------------------*/

static bool refuse_late(const struct script *s, const char *applied, struct err *err)
{
    err_set(err, ERR_DIFFERS, "script '%s' comes before '%s', which is applied already", s->name,
            applied);
    return err_hint(err, "give it a later version, or allow it with --out-of-order");
}

static bool check_late(const struct work *w, size_t at, const struct work_conf *conf,
                       struct err *err)
{
    const struct plan_file *f = work_files(w);
    const struct script *s = f[at].script;
    size_t count;
    const struct ledger_entry *e = ledger_entries(conf->ledger, &count);

    if (conf->job->out_of_order || s->repeatable)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (e[i].done && !e[i].repeatable && e[i].data == w->item->data && *s->version &&
            *e[i].version && strcmp(e[i].database, w->item->database) == 0 &&
            version_cmp(span_of(s->version), span_of(e[i].version)) < 0)
            return refuse_late(s, e[i].file, err);
    }
    for (size_t i = at + 1; !*s->version && i < w->files.count; i++) {
        const struct ledger_entry *later =
            ledger_find(conf->ledger, w->item->database, w->item->data, f[i].script->name);
        if (later && later->done)
            return refuse_late(s, later->file, err);
    }
    return true;
}

bool work_decide(struct work *w, const struct work_conf *conf, struct err *err)
{
    struct plan_file *f = work_files(w);

    for (size_t i = 0; conf->ledger && i < w->files.count; i++) {
        const struct ledger_entry *e =
            ledger_find(conf->ledger, w->item->database, w->item->data, f[i].script->name);
        bool ok;

        if (e && e->done)
            ok = decide_done(&f[i], e, err);
        else if (e && (e->statements || e->in_doubt))
            ok = decide_half(w, &f[i], e, conf, err);
        else
            ok = check_late(w, i, conf, err);
        if (!ok)
            return false;
    }
    return true;
}
