#include "restore/proof_my_echo.h"

#include "lib/base/json.h"
#include "lib/sql/split.h"
#include "restore/my_progress.h"
#include "restore/version.h"

#define LOCK_WAIT_S 60

void my_echo_init(const struct my_proof *m, const struct db *db, struct my_echo *out)
{
    const json_t *all = json_object_get(bundle_config(m->part->conf->bundle), "components");
    const json_t *facts = json_object_get(all, m->part->component);
    const char *captured = json_string_value(json_object_get(facts, "version"));

    *out = (struct my_echo){.proof = m};
    out->other = captured && !version_same(DB_MARIADB, captured, db->version, db->is_mysql);
    place_echo_name(m->place.conf.database, out->name);
}

void my_echo_done(struct my_echo *e)
{
    if (e->db)
        db_exec(e->db, NULL, "DROP DATABASE IF EXISTS %s", e->name);
    db_close(TAKE(e->db));
}

/* One proof of a database at a time has it; what a killed one has left goes. */
static bool make_database(struct my_echo *e, struct db *db, struct err *err)
{
    const struct my_proof *m = e->proof;
    AUTO(buf) struct buf text = {0}, like = {0};

    db_quote_text(db, m->place.conf.database, &text);
    return buf_ok(&text, err) &&
           db_exec(db, err, "SET SESSION sql_mode = '', foreign_key_checks = 0") &&
           db_value(db, &like, err, "SELECT GET_LOCK('%s', %d)", e->name, LOCK_WAIT_S) &&
           strcmp(buf_str(&like), "1") == 0 &&
           db_value(db, &like, err,
                    "SELECT concat(default_character_set_name, ' COLLATE ', "
                    "default_collation_name) FROM information_schema.schemata "
                    "WHERE schema_name = %s",
                    buf_str(&text)) &&
           db_exec(db, err, "DROP DATABASE IF EXISTS %s", e->name) &&
           db_exec(db, err, "CREATE DATABASE %s CHARACTER SET %s", e->name, buf_str(&like));
}

/* False: there is nothing to be asked, which is no failure. */
static bool ready(struct my_echo *e)
{
    AUTO(db) struct db *db = NULL;

    if (!e->other || e->db)
        return e->other;
    e->other = my_proof_session((struct my_proof *)(uintptr_t)e->proof, false, &db, NULL) &&
               make_database(e, db, NULL);
    if (e->other)
        e->db = TAKE(db);
    return e->other;
}

static bool take_text(void *ctx, const struct db_row *row, struct err *err)
{
    static const char *const columns[] = {"Create Table",     "Create View",
                                          "Create Procedure", "Create Function",
                                          "Create Event",     "SQL Original Statement"};
    struct buf *out = ctx;

    for (size_t i = 0; i < COUNT(columns); i++)
        buf_span(out, db_named(row, columns[i]));
    return buf_ok(out, err);
}

/* What was made, which goes again. */
static bool show(struct my_echo *e, const char *kind, const char *name, struct buf *out)
{
    AUTO(buf) struct buf quoted = {0};

    db_quote_name(e->db, name, &quoted);
    bool ok = !quoted.failed && db_rows(e->db, take_text, out, NULL, "SHOW CREATE %s %s.%s", kind,
                                        e->name, buf_str(&quoted));
    return ok && db_exec(e->db, NULL, "DROP %s %s.%s", kind, e->name, buf_str(&quoted)) &&
           out->len > 0;
}

/* CREATE ... VIEW `name` becomes CREATE ... VIEW `echo`.`name`: so the names in it stay those of the
 * restored database, which the session is in. */
static bool into_echo(const struct my_echo *e, struct span create, struct buf *out)
{
    struct span rest = create, token;

    while (sql_token_next(SQL_MARIADB, &rest, &token) != SQL_END) {
        if (!span_is(token, "VIEW"))
            continue;
        buf_add(out, create.at, (size_t)(token.at + token.len - create.at));
        buf_printf(out, " `%s`.", e->name);
        return buf_span(out, span_trim(rest));
    }
    return false;
}

static bool out_of_echo(const struct my_echo *e, struct span shown, struct buf *out)
{
    AUTO(buf) struct buf home = {0};

    buf_printf(&home, "`%s`.", e->name);
    const char *at = home.failed ? NULL : memmem(shown.at, shown.len, home.at, home.len);
    size_t before = at ? (size_t)(at - shown.at) : shown.len;
    buf_add(out, shown.at, before);
    if (at)
        buf_add(out, at + home.len, shown.len - before - home.len);
    return !home.failed && !out->failed;
}

/* `shown` takes the place of the text. */
static bool say(const struct my_echo *e, const struct buf *shown, struct buf *text, struct err *err)
{
    buf_clear(text);
    return out_of_echo(e, buf_view(shown), text) || err_memory(err);
}

bool my_echo_skips(struct span create, bool is_mysql, unsigned version)
{
    const char *end = create.at + create.len;

    for (const char *p = create.at; (p = memmem(p, (size_t)(end - p), "/*!", 3));) {
        unsigned wanted = 0;

        for (p += 3; p < end && *p >= '0' && *p <= '9' && wanted < 1000000; p++)
            wanted = wanted * 10 + (unsigned)(*p - '0');
        /* MariaDB has no features of MySQL 5.7 and later. */
        if (wanted > version || (!is_mysql && wanted >= 50700 && wanted <= 99999))
            return true;
    }
    return false;
}

bool my_echo_table(struct my_echo *e, const char *name, struct buf *text, struct err *err)
{
    AUTO(buf) struct buf shown = {0};

    /* Here as in the box it would be missing on both sides: no difference would be left to see. */
    bool made = ready(e) && !my_echo_skips(buf_view(text), e->db->is_mysql, e->db->version) &&
                db_exec(e->db, NULL, "SET character_set_results = utf8mb4") &&
                db_exec(e->db, NULL, "USE %s", e->name) &&
                my_run(e->db, text->at, text->len, NULL) && show(e, "TABLE", name, &shown);
    return !made || say(e, &shown, text, err);
}

static bool make_object(struct my_echo *e, const json_t *object, struct span create)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));
    bool view = strcmp(kind, "VIEW") == 0;
    AUTO(buf) struct buf text = {0}, home = {0};

    db_quote_name(e->db, view ? e->proof->place.conf.database : e->name, &home);
    return (view ? into_echo(e, create, &text) : buf_span(&text, create)) && !home.failed &&
           db_exec(e->db, NULL, "SET character_set_results = NULL") &&
           db_exec(e->db, NULL, "USE %s", buf_str(&home)) &&
           my_object_session(e->db, object, NULL) && my_run(e->db, text.at, text.len, NULL);
}

bool my_echo_object(struct my_echo *e, const json_t *object, const char *name, struct buf *text,
                    struct err *err)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));
    AUTO(buf) struct buf shown = {0};

    /* A trigger hangs on its table. */
    if (!kind || strcmp(kind, "TRIGGER") == 0 || !ready(e))
        return true;
    bool made = make_object(e, object, buf_view(text));
    if (!my_object_session_back(e->db, err))
        return false;
    return !made || !show(e, kind, name, &shown) || say(e, &shown, text, err);
}
