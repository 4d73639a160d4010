/* What the account may not do on a server of others, and the accounts that the server lacks: told
 * before anything is loaded. */
#include "restore/my.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/sql/my_grant.h"

#define PROBE "rehearse_probe"

/* ---- rights on the databases -------------------------------------------------------------------*/

struct right {
    const char *name;
    enum { ALWAYS, WITH_OBJECTS, WITH_VIEWS, WITH_TRIGGERS, WITH_ROUTINES, WITH_EVENTS } when;
    bool old; /* needed where the old tables go, too */
    bool has;
};

/* RENAME wants ALTER and DROP where a table is, CREATE and INSERT where it goes. Definers are tried by a
 * view. */
static const struct right needed[] = {{"SELECT", ALWAYS, false, false},
                                      {"INSERT", ALWAYS, true, false},
                                      {"CREATE", ALWAYS, true, false},
                                      {"ALTER", ALWAYS, true, false},
                                      {"DROP", ALWAYS, true, false},
                                      {"INDEX", ALWAYS, false, false},
                                      {"REFERENCES", ALWAYS, false, false},
                                      {"CREATE VIEW", WITH_OBJECTS, false, false},
                                      {"SHOW VIEW", WITH_VIEWS, false, false},
                                      {"TRIGGER", WITH_TRIGGERS, false, false},
                                      {"CREATE ROUTINE", WITH_ROUTINES, false, false},
                                      {"ALTER ROUTINE", WITH_ROUTINES, false, false},
                                      {"EVENT", WITH_EVENTS, false, false}};

struct rights {
    struct right right[COUNT(needed)];
    const char *database;
};

static bool take_grant(void *ctx, const struct db_row *row, struct err *err)
{
    struct rights *r = ctx;

    (void)err;
    for (size_t i = 0; i < COUNT(r->right); i++)
        r->right[i].has |= my_grant_gives(row->value[0], r->right[i].name, r->database);
    return true;
}

static bool is_wanted(struct my_target *t, const struct right *r)
{
    static const struct {
        enum my_kind kind;
        int when;
    } kinds[] = {{MY_VIEWS, WITH_VIEWS},
                 {MY_TRIGGERS, WITH_TRIGGERS},
                 {MY_ROUTINES, WITH_ROUTINES},
                 {MY_EVENTS, WITH_EVENTS}};
    bool wanted = r->when == ALWAYS;

    for (size_t i = 0; !wanted && i < COUNT(kinds); i++) {
        const json_t *list = NULL;
        wanted = (r->when == WITH_OBJECTS || (int)r->when == kinds[i].when) &&
                 my_object_list(t, kinds[i].kind, &list, NULL) && json_array_size(list) > 0;
    }
    return wanted;
}

/* What is cleared may hold anything, and what the account has no right to it does not see. */
enum side { IS_NEW, IS_CLEARED, IS_OLD };

static bool check_database(struct my_target *t, const char *database, enum side side,
                           struct missing *missing, struct err *err)
{
    AUTO(buf) struct buf list = {0}, what = {0}, mend = {0};
    struct rights r = {.database = database};

    memcpy(r.right, needed, sizeof(needed));
    /* Without FOR it lists the grants of the roles in force as well. */
    if (!db_rows(t->main, take_grant, &r, err, "SHOW GRANTS"))
        return false;
    for (size_t i = 0; i < COUNT(r.right); i++)
        if (!r.right[i].has && (side == IS_CLEARED ||
                                ((side == IS_NEW || r.right[i].old) && is_wanted(t, &r.right[i]))))
            buf_printf(&list, "%s%s", list.len ? ", " : "", r.right[i].name);
    if (!list.len)
        return buf_ok(&list, err);
    buf_printf(&what, "%s on", buf_str(&list));
    buf_printf(&mend, "GRANT %s ON ", buf_str(&list));
    db_quote_name(t->main, database, &mend);
    buf_printf(&mend, ".* TO '%s'", t->conf.db->user ? t->conf.db->user : "");
    return buf_ok(&list, err) && buf_ok(&what, err) && buf_ok(&mend, err) &&
           missing_add(missing, buf_str(&what), database, buf_str(&mend), err);
}

bool my_grants_missing(struct my_target *t, struct missing *missing, struct err *err)
{
    char old[PLACE_NAME];

    place_old_name(t->conf.final, old);
    return check_database(t, t->conf.db->database, IS_NEW, missing, err) &&
           check_database(t, t->conf.final, t->base.replaced ? IS_CLEARED : IS_NEW, missing, err) &&
           (!t->base.replaced || check_database(t, old, IS_OLD, missing, err));
}

/* ---- trials ------------------------------------------------------------------------------------*/

struct trial {
    struct my_target *target;
    struct db *db;
    struct missing missing;
    json_t *tried; /* definers, as keys */
};

static void trial_done(struct trial *r)
{
    missing_done(&r->missing);
    db_close(r->db);
    json_decref(r->tried);
}

static inline void auto_trial(struct trial *r)
{
    trial_done(r);
}

static bool refused(struct trial *r, const char *kind, const char *name, const struct err *why,
                    struct err *err)
{
    if (why->code != ERR_RIGHTS)
        return err_pass(err, why) || err_add(err, "cannot make %s '%s'", kind, name);
    log_debug("refused", f_str("kind", kind), f_str("name", name), f_str("why", why->text));
    return missing_add(&r->missing, kind, name, *why->hint ? why->hint : why->text, err);
}

/* The server says by a note that there is no such account. */
static bool look_for_account(void *ctx, const struct db_row *row, struct err *err)
{
    (void)err;
    *(bool *)ctx |= row->count > 1 && span_is(row->value[1], "1449");
    return true;
}

static bool account_missing(struct trial *r, const char *who, struct err *err)
{
    AUTO(buf) struct buf mend = {0};

    buf_printf(&mend, "create it, or map it with --owner %s=ACCOUNT, or leave it with --no-owner",
               who);
    return buf_ok(&mend, err) && missing_add(&r->missing, "account", who, buf_str(&mend), err);
}

/* By a view of its own: what may be the definer of that may be one of the others. */
static bool try_definer(struct trial *r, const char *who, struct span create, struct err *err)
{
    struct span clause;
    AUTO(buf) struct buf sql = {0};
    struct err why = {0};
    bool lacks = false;

    if (json_object_get(r->tried, who))
        return true;
    if (json_object_set_new_nocheck(r->tried, who, json_true()) != 0)
        return err_memory(err);
    if (!my_here_clause(create, &clause))
        return true;
    buf_puts(&sql, "CREATE OR REPLACE DEFINER = ");
    buf_span(&sql, clause);
    buf_puts(&sql, " VIEW " PROBE " AS SELECT 1");
    if (!buf_ok(&sql, err))
        return false;
    if (!my_run(r->db, buf_str(&sql), sql.len, &why))
        return why.code == ERR_RIGHTS
                   ? missing_add(&r->missing, "the right to make objects of", who,
                                 "GRANT SET USER ON *.* (before 10.5: SUPER) to the account that "
                                 "restores, or leave definers with --no-owner",
                                 err)
                   : err_pass(err, &why);
    if (!db_rows(r->db, look_for_account, &lacks, err, "SHOW WARNINGS"))
        return false;
    return !lacks || account_missing(r, who, err);
}

static bool try_its_definer(void *ctx, const json_t *o, struct err *err)
{
    struct trial *r = ctx;
    AUTO(buf) struct buf here = {0}, who = {0};
    size_t len = 0;
    AUTO(free) char *create = my_meta_text(o, "create", &len, err);

    if (!create || !my_here_object(&r->target->here, o, (struct span){create, len}, &here, err))
        return false;
    return !my_here_definer(buf_view(&here), &who) ||
           try_definer(r, buf_str(&who), buf_view(&here), err);
}

/* It wants nothing that is not there yet. */
static bool try_object(void *ctx, const json_t *o, struct err *err)
{
    struct trial *r = ctx;
    struct err why = {0};
    const char *name = json_string_value(json_object_get(o, "name"));
    const char *what = json_string_value(json_object_get(o, "kind"));
    AUTO(buf) struct buf lower = {0};

    if (my_object_make(r->target, r->db, o, &why))
        return true;
    buf_printf(&lower, "the right to make %s", what ? what : "?");
    return buf_ok(&lower, err) && refused(r, buf_str(&lower), name ? name : "?", &why, err);
}

static bool try_trigger(struct trial *r, struct err *err)
{
    const json_t *list = NULL;
    struct err why = {0};

    if (!my_object_list(r->target, MY_TRIGGERS, &list, err))
        return false;
    if (!json_array_size(list))
        return true;
    if (!my_drop(r->db, "VIEW", PROBE, err) ||
        !db_exec(r->db, err, "CREATE TABLE " PROBE " (id int)"))
        return false;
    bool ok = db_exec(r->db, &why,
                      "CREATE TRIGGER " PROBE " BEFORE INSERT ON " PROBE " FOR EACH ROW SET @" PROBE
                      " = 1") ||
              refused(r, "the right to make", "triggers", &why, err);
    return my_drop(r->db, "TABLE", PROBE, ok ? err : NULL) && ok;
}

static bool try_all(struct trial *r, struct err *err)
{
    static const enum my_kind kinds[] = {MY_ROUTINES, MY_TRIGGERS, MY_VIEWS, MY_EVENTS};

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (!my_object_each(r->target, kinds[i], try_its_definer, r, err))
            return false;
    /* With definers that it may not set every object is refused, and for no other reason. */
    return json_array_size(r->missing.list) > 0 ||
           (my_object_each(r->target, MY_ROUTINES, try_object, r, err) &&
            my_object_each(r->target, MY_EVENTS, try_object, r, err) && try_trigger(r, err));
}

bool my_target_rights(struct my_target *t, struct err *err)
{
    AUTO(trial) struct trial r = {.target = t, .tried = json_object()};

    if (!r.tried)
        return err_memory(err);
    if (t->base.placed)
        return true;
    return my_target_session(t, &r.db, err) && my_objects_drop(r.db, err) && try_all(&r, err) &&
           my_objects_drop(r.db, err) &&
           missing_judge(&r.missing, t->conf.component, t->main->label, t->conf.journal, err);
}
