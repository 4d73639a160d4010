#include "migrate/script.h"

struct building {
    const struct statement *st;
    unsigned count;
    struct vec *units;
    struct err *err;
};

static bool add(struct building *b, unsigned first, unsigned last, bool wrap, bool own)
{
    struct unit *u = vec_add(b->units, b->err);

    if (!u)
        return false;
    *u = (struct unit){.first = first, .last = last, .wrap = wrap, .own = own};
    return true;
}

/* A script that takes itself back is a trial, and must not count as applied. */
static bool refuse_kinds(struct building *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        if (b->st[i].tx == TX_ROLLBACK) {
            err_set(b->err, ERR_SQL, "line %u: ROLLBACK in a script", b->st[i].line);
            return err_hint(b->err, "a script is rolled back when it fails; take it out");
        }
        if (b->st[i].tx == TX_UNSUPPORTED)
            return err_set(b->err, ERR_UNSUPPORTED,
                           "line %u: two-phase and chained transactions are not handled",
                           b->st[i].line);
    }
    return true;
}

static bool never_closed(struct building *b, unsigned begin)
{
    err_set(b->err, ERR_SQL, "line %u: the transaction begun here is never committed",
            b->st[begin].line);
    return err_hint(b->err, "add COMMIT");
}

/* ---- PostgreSQL --------------------------------------------------------------------------------*/

/* An enum value cannot be used in the transaction that adds it. */
static bool uses_new_enum(const struct building *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        struct span value = classify_enum_value(b->st[i].text);
        if (value.len < 2)
            continue;
        for (unsigned k = i + 1; k < b->count; k++) {
            struct span t = b->st[k].text;
            if (memmem(t.at, t.len, value.at + 1, value.len - 2) && !classify_enum_value(t).at)
                return true;
        }
    }
    return false;
}

static bool pg_whole(const struct building *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        enum tx_kind k = b->st[i].tx;
        if (k == TX_NEVER || k == TX_BEGIN || k == TX_COMMIT)
            return false;
    }
    return !uses_new_enum(b);
}

/* From BEGIN to its COMMIT. */
static bool pg_own(struct building *b, unsigned *i)
{
    unsigned begin = *i;

    for (unsigned k = begin + 1; k < b->count; k++) {
        if (b->st[k].tx == TX_NEVER)
            return err_set(b->err, ERR_SQL,
                           "line %u: cannot run inside the transaction begun in line %u",
                           b->st[k].line, b->st[begin].line);
        if (b->st[k].tx == TX_COMMIT) {
            *i = k + 1;
            return add(b, begin, k, false, true);
        }
    }
    return never_closed(b, begin);
}

static bool pg_units(struct building *b, bool no_transaction)
{
    if (b->count && !no_transaction && pg_whole(b))
        return add(b, 0, b->count - 1, true, false);
    for (unsigned i = 0; i < b->count;) {
        enum tx_kind k = b->st[i].tx;
        if (k == TX_BEGIN) {
            if (!pg_own(b, &i))
                return false;
            continue;
        }
        if (k == TX_COMMIT)
            return err_set(b->err, ERR_SQL, "line %u: COMMIT without BEGIN", b->st[i].line);
        if (!add(b, i, i, k == TX_ORDINARY, false))
            return false;
        i++;
    }
    return true;
}

/* ---- MariaDB -----------------------------------------------------------------------------------*/

struct open_tx {
    unsigned first;
    bool open, auto_off;
};

static bool my_close(struct building *b, struct open_tx *t, unsigned last)
{
    t->open = false;
    return add(b, t->first, last, false, true);
}

static bool my_step(struct building *b, struct open_tx *t, unsigned i)
{
    enum tx_kind k = b->st[i].tx;

    if (k == TX_BEGIN) {
        if (t->open && !my_close(b, t, i - 1))
            return false;
        t->first = i;
        return t->open = true;
    }
    if (k == TX_AUTO_OFF || k == TX_AUTO_ON)
        t->auto_off = k == TX_AUTO_OFF;
    bool ends = k == TX_COMMIT || k == TX_IMPLICIT || k == TX_AUTO_ON;
    if (t->open)
        return !ends || my_close(b, t, i);
    if (t->auto_off && k == TX_ORDINARY && !classify_is_setting(SQL_MARIADB, b->st[i].text)) {
        t->first = i;
        return t->open = true;
    }
    return add(b, i, i, false, false);
}

static bool my_units(struct building *b)
{
    struct open_tx t = {0};

    for (unsigned i = 0; i < b->count; i++) {
        if (!my_step(b, &t, i))
            return false;
    }
    return !t.open || never_closed(b, t.first);
}

bool units_build(enum sql_dialect dialect, const struct statement *st, size_t count,
                 bool no_transaction, struct vec *units, struct err *err)
{
    struct building b = {.st = st, .count = (unsigned)count, .units = units, .err = err};

    if (!refuse_kinds(&b))
        return false;
    return dialect == SQL_POSTGRESQL ? pg_units(&b, no_transaction) : my_units(&b);
}
