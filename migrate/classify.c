#include "migrate/classify.h"

#include "lib/base/auto.h"
#include "migrate/walk.h"

/* ---- transactions ------------------------------------------------------------------------------*/

/* REINDEX [(options)] DATABASE | SYSTEM | SCHEMA, and any form of CONCURRENTLY. */
static bool reindex_alone(struct span text)
{
    struct walk w = walk_start(SQL_POSTGRESQL, text);
    static const char *const whole[] = {"database", "system", "schema"};

    walk_next(&w);
    while (walk_next(&w)) {
        if (walk_is(&w, "concurrently"))
            return true;
        if (w.depth == 0 && w.kind == SQL_WORD && walk_in(&w, whole, COUNT(whole)))
            return true;
    }
    return false;
}

/* CLUSTER of all tables; with a table's name it is ordinary. */
static bool cluster_all(struct span text)
{
    struct walk w = walk_start(SQL_POSTGRESQL, text);

    walk_next(&w);
    while (walk_next(&w)) {
        if (w.depth == 0 && !walk_is_punct(&w, ")") && !walk_is(&w, "verbose"))
            return false;
    }
    return true;
}

/* Does a body in quotes end transactions? A word is enough: running alone harms nothing. */
static bool body_commits(struct span text)
{
    struct walk w = walk_start(SQL_POSTGRESQL, text);

    while (walk_next(&w)) {
        if (w.kind != SQL_STRING)
            continue;
        struct span body = w.token;
        for (; body.len >= 6; body.at++, body.len--) {
            if (strncasecmp(body.at, "commit", 6) == 0)
                return true;
        }
    }
    return false;
}

static bool pg_never(struct span text)
{
    enum sql_dialect d = SQL_POSTGRESQL;

    if (WALK_STARTS(d, text, "vacuum", "create database", "drop database", "create tablespace",
                    "drop tablespace", "create subscription", "drop subscription", "alter system",
                    "commit prepared", "rollback prepared"))
        return true;
    if (sql_starts(d, text, "reindex"))
        return reindex_alone(text);
    if (sql_starts(d, text, "cluster"))
        return cluster_all(text);
    if (sql_starts(d, text, "alter database"))
        return walk_finds(d, text, "tablespace");
    if (sql_starts(d, text, "do"))
        return body_commits(text);
    return WALK_STARTS(d, text, "create index", "create unique index", "drop index",
                       "alter table") &&
           walk_finds(d, text, "concurrently");
}

static enum tx_kind end_of(enum sql_dialect d, struct span text, enum tx_kind plain)
{
    struct walk w = walk_start(d, text);
    bool no = false;

    while (walk_next(&w)) {
        if (walk_is(&w, "to"))
            return TX_ORDINARY; /* ROLLBACK TO SAVEPOINT */
        if (walk_is(&w, "prepared"))
            return TX_NEVER;
        if (walk_is(&w, "chain") && !no)
            return TX_UNSUPPORTED;
        no = walk_is(&w, "no");
    }
    return plain;
}

static enum tx_kind begin_of(enum sql_dialect d, struct span text)
{
    bool block = d == SQL_MARIADB && sql_starts(d, text, "begin not atomic");

    return block ? TX_ORDINARY : TX_BEGIN;
}

static enum tx_kind autocommit_of(struct span text)
{
    struct walk w = walk_start(SQL_MARIADB, text);
    static const char *const off[] = {"off", "false"};
    enum tx_kind kind = TX_ORDINARY;

    while (walk_next(&w)) {
        if (!walk_is(&w, "autocommit") || !walk_next(&w) ||
            (!walk_is_punct(&w, "=") && !walk_is_punct(&w, ":=")) || !walk_next(&w))
            continue;
        bool is_off = span_is(w.token, "0") || walk_in(&w, off, COUNT(off)) ||
                      span_is_nocase(w.token, "'off'");
        kind = is_off ? TX_AUTO_OFF : TX_AUTO_ON;
    }
    return kind;
}

static bool my_implicit(struct span text)
{
    enum sql_dialect d = SQL_MARIADB;

    if (WALK_STARTS(d, text, "create temporary", "drop temporary"))
        return false;
    return WALK_STARTS(d, text, "alter", "create", "drop", "rename", "truncate", "analyze",
                       "optimize", "repair", "flush", "lock", "grant", "revoke", "set password",
                       "install", "uninstall", "reset", "change master", "cache index",
                       "load index", "start slave", "stop slave", "start replica", "stop replica");
}

static enum tx_kind pg_tx(struct span text)
{
    enum sql_dialect d = SQL_POSTGRESQL;

    if (WALK_STARTS(d, text, "commit", "end"))
        return end_of(d, text, TX_COMMIT);
    if (WALK_STARTS(d, text, "rollback", "abort"))
        return end_of(d, text, TX_ROLLBACK);
    if (sql_starts(d, text, "prepare transaction"))
        return TX_UNSUPPORTED;
    if (pg_never(text))
        return TX_NEVER;
    return WALK_STARTS(d, text, "call", "do") ? TX_PROCEDURE : TX_ORDINARY;
}

static enum tx_kind my_tx(struct span text)
{
    enum sql_dialect d = SQL_MARIADB;

    if (sql_starts(d, text, "commit"))
        return end_of(d, text, TX_COMMIT);
    if (sql_starts(d, text, "rollback"))
        return end_of(d, text, TX_ROLLBACK);
    if (sql_starts(d, text, "xa"))
        return TX_UNSUPPORTED;
    if (my_implicit(text))
        return TX_IMPLICIT;
    return sql_starts(d, text, "set") ? autocommit_of(text) : TX_ORDINARY;
}

enum tx_kind classify_tx(enum sql_dialect d, struct span text)
{
    if (WALK_STARTS(d, text, "begin", "start transaction"))
        return begin_of(d, text);
    return d == SQL_POSTGRESQL ? pg_tx(text) : my_tx(text);
}

/* ---- rows that nobody chose --------------------------------------------------------------------*/

/* Behind WHERE: true, 1, or N = N, and nothing more. */
static bool always_true(struct walk w)
{
    struct span first;

    if (!walk_next(&w))
        return true;
    if (w.kind == SQL_WORD && !walk_is(&w, "true"))
        return false;
    if (w.kind != SQL_WORD && w.kind != SQL_NUMBER && w.kind != SQL_STRING)
        return false;
    first = w.token;
    if (!walk_next(&w) || walk_is(&w, "returning"))
        return !span_is(first, "0");
    if (!walk_is_punct(&w, "=") || !walk_next(&w) || !span_eq(w.token, first))
        return false;
    return !walk_next(&w) || walk_is(&w, "returning");
}

/* From behind UPDATE or DELETE at this depth to the end of what it stands in. */
static bool unrestricted(struct walk w)
{
    unsigned depth = w.depth;
    static const char *const limits[] = {"join", "straight_join", "limit"};

    while (walk_next(&w) && w.depth >= depth) {
        if (w.depth > depth)
            continue;
        if (walk_is(&w, "where"))
            return always_true(w);
        if (w.dialect == SQL_MARIADB && walk_in(&w, limits, COUNT(limits)))
            return false;
    }
    return true;
}

static bool is_change(const struct walk *w)
{
    return walk_is(w, "update") || walk_is(w, "delete");
}

bool classify_no_where(enum sql_dialect dialect, struct span text)
{
    /* FOR UPDATE, FOR NO KEY UPDATE, DO UPDATE, ON DUPLICATE KEY UPDATE, ON DELETE are no starts. */
    static const char *const tails[] = {"for", "key", "do", "on", "then"};
    struct walk w = walk_start(dialect, text);
    bool after_tail = false;

    if (!walk_next(&w))
        return false;
    if (is_change(&w))
        return unrestricted(w);
    if (!walk_is(&w, "with"))
        return false;
    while (walk_next(&w)) {
        if (is_change(&w) && !after_tail && unrestricted(w))
            return true;
        after_tail = walk_in(&w, tails, COUNT(tails));
    }
    return false;
}

/* ---- what stays in the session -----------------------------------------------------------------*/

bool classify_is_setting(enum sql_dialect d, struct span text)
{
    if (WALK_STARTS(d, text, "set local", "set transaction", "set constraints", "set password",
                    "set global", "set persist"))
        return false;
    if (sql_starts(d, text, "set") || sql_starts(d, text, "use") || sql_starts(d, text, "reset"))
        return d == SQL_POSTGRESQL || !sql_starts(d, text, "reset");
    return d == SQL_POSTGRESQL && sql_starts(d, text, "select") &&
           walk_finds(d, text, "set_config");
}

static bool assigns_variable(struct span text)
{
    struct walk w = walk_start(SQL_MARIADB, text);
    bool at = false, name = false;

    while (walk_next(&w)) {
        /* @name := or =, but not @@system: there a second @ stands in front. */
        if (name && (walk_is_punct(&w, ":=") || walk_is_punct(&w, "=")))
            return true;
        name = at && (w.kind == SQL_WORD || w.kind == SQL_QUOTED_NAME);
        bool is_at = walk_is_punct(&w, "@");
        at = is_at && !at;
    }
    return sql_starts(SQL_MARIADB, text, "select") && walk_finds(SQL_MARIADB, text, "into");
}

/* The dumps' own SET @OLD_...=@@... keep what a new session has as well. */
static bool saves_setting(struct span text)
{
    struct walk w = walk_start(SQL_MARIADB, text);
    bool at = false;

    if (!sql_starts(SQL_MARIADB, text, "set"))
        return false;
    while (walk_next(&w)) {
        if (at && w.token.len > 4 && strncasecmp(w.token.at, "old_", 4) == 0)
            return true;
        at = walk_is_punct(&w, "@");
    }
    return false;
}

bool classify_binds_session(enum sql_dialect d, struct span text)
{
    if (WALK_STARTS(d, text, "create temporary", "create temp", "create local temporary",
                    "create local temp", "create or replace temporary"))
        return true;
    if (d == SQL_POSTGRESQL)
        return WALK_STARTS(d, text, "prepare", "declare");
    return WALK_STARTS(d, text, "prepare", "lock") ||
           (assigns_variable(text) && !saves_setting(text));
}

struct span classify_enum_value(struct span text)
{
    struct walk w = walk_start(SQL_POSTGRESQL, text);
    bool add = false, value = false;

    if (!sql_starts(SQL_POSTGRESQL, text, "alter type"))
        return (struct span){0};
    while (walk_next(&w)) {
        if (add && value && w.kind == SQL_STRING)
            return w.token;
        value = value || (add && walk_is(&w, "value"));
        add = add || walk_is(&w, "add");
    }
    return (struct span){0};
}

/* ---- names -------------------------------------------------------------------------------------*/

struct span classify_target(enum sql_dialect d, struct span text)
{
    static const char *const noise[] = {"into",   "from",    "table",        "only",
                                        "ignore", "delayed", "low_priority", "high_priority",
                                        "quick",  "local",   "concurrent"};
    struct walk w = walk_start(d, text);
    struct span name = {0};

    if (!WALK_STARTS(d, text, "insert", "update", "delete", "replace", "truncate", "load"))
        return name;
    walk_next(&w);
    if (walk_is(&w, "load")) {
        while (walk_next(&w) && !walk_is(&w, "into"))
            continue;
    }
    while (walk_next(&w) && walk_in(&w, noise, COUNT(noise)))
        continue;
    while (w.kind == SQL_WORD || w.kind == SQL_QUOTED_NAME) {
        name = w.token;
        if (!walk_next(&w) || !walk_is_punct(&w, ".") || !walk_next(&w))
            break;
    }
    return name;
}

char *classify_unquote(struct span name)
{
    AUTO(buf) struct buf out = {0};

    return sql_unquote(name, name.len && *name.at == '`' ? '`' : '"', &out) ? buf_take(&out) : NULL;
}

/* ---- for people --------------------------------------------------------------------------------*/

static void show_cut(struct buf *out, size_t from, struct span s)
{
    size_t room = out->len - from < CLASSIFY_TEXT_MAX ? CLASSIFY_TEXT_MAX - (out->len - from) : 0;
    size_t len = s.len < room ? s.len : room;

    /* Never cut through a UTF-8 character. */
    while (len && len < s.len && ((unsigned char)s.at[len] & 0xc0) == 0x80)
        len--;
    buf_add(out, s.at, len);
}

bool classify_show(enum sql_dialect dialect, struct span text, bool literals, struct buf *out)
{
    bool secret = walk_finds(dialect, text, "password") || walk_finds(dialect, text, "identified");
    struct walk w = walk_start(dialect, text);
    const char *from = text.at;
    size_t start = out->len;

    if (literals && !secret) {
        show_cut(out, start, text);
        return !out->failed;
    }
    while (out->len - start < CLASSIFY_TEXT_MAX && walk_next(&w)) {
        if (w.kind != SQL_STRING)
            continue;
        show_cut(out, start, (struct span){from, (size_t)(w.token.at - from)});
        show_cut(out, start, SPAN("'?'"));
        from = w.token.at + w.token.len;
    }
    show_cut(out, start, (struct span){from, (size_t)(text.at + text.len - from)});
    return !out->failed;
}
