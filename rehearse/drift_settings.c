#include "lib/base/json.h"
#include "rehearse/drift.h"

/* What changes answers, errors or plans. Sizes of memory and the like differ by nature. */
static const char *const postgresql_names[] = {"server_encoding",
                                               "lc_collate",
                                               "lc_ctype",
                                               "TimeZone",
                                               "DateStyle",
                                               "IntervalStyle",
                                               "default_transaction_isolation",
                                               "standard_conforming_strings",
                                               "statement_timeout",
                                               "lock_timeout",
                                               "search_path",
                                               "jit",
                                               "random_page_cost",
                                               "seq_page_cost",
                                               "default_statistics_target",
                                               "max_parallel_workers_per_gather",
                                               "shared_preload_libraries",
                                               NULL};
static const char *const mariadb_names[] = {"sql_mode",
                                            "character_set_server",
                                            "collation_server",
                                            "time_zone",
                                            "lower_case_table_names",
                                            "tx_isolation",
                                            "transaction_isolation",
                                            "innodb_strict_mode",
                                            "optimizer_switch",
                                            "group_concat_max_len",
                                            "max_allowed_packet",
                                            "explicit_defaults_for_timestamp",
                                            "innodb_lock_wait_timeout",
                                            "old_mode",
                                            NULL};

static const struct {
    const char *engine, *query, *version;
    const char *const *names;
} engines[] = {
    [DB_POSTGRESQL] = {"postgresql", "SELECT name, reset_val FROM pg_catalog.pg_settings",
                       "server_version", postgresql_names},
    [DB_MARIADB] = {"mariadb", "SHOW GLOBAL VARIABLES", "version", mariadb_names},
};

static bool take_setting(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *settings = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    return name && json_object_set_new(settings, name, json_bytes(row->value[1])) == 0
               ? true
               : err_memory(err);
}

static bool box_settings(struct run *r, const char *name, enum db_engine *engine, json_t **out,
                         struct err *err)
{
    AUTO(db) struct db *db = NULL;
    AUTO(json) json_t *settings = json_object();
    struct db_conf conf;

    if (!box_db_conf(r->box, name, &conf, err) || !db_open(&conf, &db, err) ||
        !db_rows(db, take_setting, settings, err, "%s", engines[conf.engine].query))
        return false;
    *engine = conf.engine;
    *out = TAKE(settings);
    return true;
}

/* "15.20 (Debian ...)" to "15" for PostgreSQL, "10.11.19-MariaDB" to "10.11" for MariaDB. */
static void major_of(const char *version, enum db_engine engine, char out[32])
{
    size_t dots = engine == DB_POSTGRESQL ? 0 : 1, len = 0;

    for (const char *c = version ? version : ""; *c && len < 31; c++) {
        if (*c == '.' && dots-- == 0)
            break;
        if (*c != '.' && (*c < '0' || *c > '9'))
            break;
        out[len++] = *c;
    }
    out[len] = '\0';
}

static bool version_drift(struct drift *d, const char *database, enum db_engine engine,
                          const json_t *production, const json_t *box, struct err *err)
{
    const json_t *old = json_object_get(production, engines[engine].version);
    const json_t *now = json_object_get(box, engines[engine].version);
    char a[32], b[32];

    major_of(json_string_value(old), engine, a);
    major_of(json_string_value(now), engine, b);
    d->kind = "version";
    return strcmp(a, b) == 0 || drift_note(d, database, old, now, err);
}

static bool one_database(struct run *r, struct bundle *bundle, const char *name, struct err *err)
{
    AUTO(json) json_t *production = NULL, *box = NULL;
    AUTO(free) char *stream = NULL;
    AUTO(buf) struct buf leaf = {0};
    struct drift d = {.run = r};
    enum db_engine engine;

    if (!box_settings(r, name, &engine, &box, err))
        return false;
    buf_printf(&leaf, "%s.%s", engines[engine].engine, name);
    stream = stream_name("facts", NULL, buf_str(&leaf));
    if (!stream)
        return err_memory(err);
    if (!drift_facts(bundle, stream, &production, err) ||
        !version_drift(&d, name, engine, production, box, err))
        return false;
    d.kind = "setting";
    for (const char *const *n = engines[engine].names; *n; n++) {
        const json_t *old = json_object_get(production, *n), *now = json_object_get(box, *n);
        AUTO(free) char *subject = NULL;
        if (!old || json_equal(old, now))
            continue;
        if (asprintf(&subject, "%s %s", name, *n) < 0)
            return err_memory(err);
        if (!drift_note(&d, subject, old, now, err))
            return false;
    }
    return true;
}

bool drift_settings(struct run *r, struct bundle *bundle, struct err *err)
{
    for (unsigned i = 0; i < r->env->databases_count; i++) {
        if (!one_database(r, bundle, r->env->databases[i].name, err))
            return err_add(err, "cannot compare the settings of '%s'", r->env->databases[i].name);
    }
    return true;
}
