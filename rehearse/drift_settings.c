#include "lib/base/json.h"
#include "lib/db/settings.h"
#include "rehearse/drift.h"

static const struct {
    const char *engine, *query, *version;
} engines[] = {
    [DB_POSTGRESQL] = {"postgresql", "SELECT name, reset_val FROM pg_catalog.pg_settings",
                       "server_version"},
    [DB_MARIADB] = {"mariadb", "SHOW GLOBAL VARIABLES", "version"},
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

static bool each_setting(struct drift *d, const char *database, enum db_engine engine,
                         const json_t *production, const json_t *box, struct err *err)
{
    size_t count = 0;
    const struct db_setting *s = db_settings(engine, &count);

    for (size_t i = 0; i < count; i++) {
        const json_t *old = json_object_get(production, s[i].name);
        const json_t *now = json_object_get(box, s[i].name);
        AUTO(free) char *subject = NULL;

        if (!old || json_equal(old, now))
            continue;
        if (asprintf(&subject, "%s %s", database, s[i].name) < 0)
            return err_memory(err);
        if (!drift_note(d, subject, old, now, err))
            return false;
    }
    return true;
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
    return each_setting(&d, name, engine, production, box, err);
}

bool drift_settings(struct run *r, struct bundle *bundle, struct err *err)
{
    for (unsigned i = 0; i < r->env->databases_count; i++) {
        if (!one_database(r, bundle, r->env->databases[i].name, err))
            return err_add(err, "cannot compare the settings of '%s'", r->env->databases[i].name);
    }
    return true;
}
