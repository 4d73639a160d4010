#include "migrate/apply.h"
#include "migrate/cmd.h"

/* A job being prepared: the gates hold off other runs from the first check to the end. */
struct preparing {
    const struct migrate_job *job;
    struct journal *journal;
    struct ledger *ledger;
    struct session *gates; /* one per item; items of one database share the first's */
    struct work *works;
    size_t ready; /* works that are filled */
};

static void preparing_done(struct preparing *p)
{
    for (size_t i = 0; i < p->ready; i++)
        work_done(&p->works[i]);
    for (size_t i = 0; p->gates && i < p->job->count; i++)
        session_close(&p->gates[i]);
    free(p->works);
    free(p->gates);
    ledger_close(p->ledger);
}

static void auto_preparing(struct preparing *p)
{
    preparing_done(p);
}

/* The item whose gate stands for this one's database. */
static size_t gate_of(const struct migrate_job *job, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(job->items[i].database, job->items[at].database) == 0)
            return i;
    }
    return at;
}

static bool open_gate(struct preparing *p, size_t at, struct err *err)
{
    const struct migrate_item *item = &p->job->items[at];
    struct session *s = &p->gates[at];
    struct ledger_target target = {.database = item->database};

    if (gate_of(p->job, at) != at)
        return true;
    if (!session_open(item, SESSION_GATE, p->job->lock_timeout_s, s, err) ||
        !session_position(s, &target.position, err))
        return false;
    target.identity = s->identity;
    if (p->job->forget && !ledger_forget(p->ledger, item->database, err))
        return false;
    return ledger_check(p->ledger, &target, err) && ledger_mark(p->ledger, &target, err);
}

/* One file name stands for one script of a database: two folders must not both have it. */
static bool check_twins(const struct preparing *p, const struct work *w, struct err *err)
{
    for (size_t i = 0; i < p->ready; i++) {
        const struct work *o = &p->works[i];
        if (strcmp(o->item->database, w->item->database) != 0 || o->item->data != w->item->data)
            continue;
        for (size_t k = 0; k < o->files.count * w->files.count; k++) {
            const char *a = work_files(o)[k / w->files.count].script->name;
            const char *b = work_files(w)[k % w->files.count].script->name;
            if (strcmp(a, b) == 0)
                return err_set(err, ERR_CONFIG,
                               "script '%s' of database '%s' is in '%s' and in '%s'", a,
                               w->item->database, o->item->dir, w->item->dir);
        }
    }
    return true;
}

static bool prepare(struct preparing *p, size_t at, struct err *err)
{
    struct session *gate = &p->gates[gate_of(p->job, at)];
    struct work_conf conf = {.job = p->job, .ledger = p->ledger, .session = gate};
    struct work w;

    if (!open_gate(p, at, err) || !work_read(&p->job->items[at], &gate->modes, &w, err))
        return false;
    if (!check_twins(p, &w, err)) {
        work_done(&w);
        return false;
    }
    p->works[p->ready++] = w;
    return work_decide(&p->works[p->ready - 1], &conf, err);
}

bool migrate_run(const struct migrate_job *job, struct journal *journal, struct err *err)
{
    AUTO(preparing) struct preparing p = {.job = job, .journal = journal};

    p.gates = calloc(job->count + 1, sizeof(*p.gates));
    p.works = calloc(job->count + 1, sizeof(*p.works));
    if (!p.gates || !p.works)
        return err_memory(err);
    if (!ledger_open(job->ledger, true, &p.ledger, err))
        return false;
    for (size_t i = 0; i < job->count; i++) {
        if (!prepare(&p, i, err))
            return err_add(err, "'%s'", job->items[i].database);
    }
    struct apply_conf conf = {.job = job, .journal = journal, .ledger = p.ledger};
    for (size_t i = 0; i < job->count; i++) {
        if (!apply_work(&conf, &p.works[i], err))
            return err_add(err, "'%s'", job->items[i].database);
    }
    return true;
}
