#include "lib/env/release.h"

#include <stdlib.h>

#include "lib/base/fd.h"
#include "lib/env/yaml.h"

/* ---- schema ---------------------------------------------------------------------------------------*/

#define MUST CYAML_FLAG_POINTER
#define MAY  (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, flags, type, member) \
    CYAML_FIELD_STRING_PTR(key, flags, type, member, 1, CYAML_UNLIMITED)
#define LIST(key, type, member, entry) \
    CYAML_FIELD_SEQUENCE(key, MAY, type, member, entry, 0, CYAML_UNLIMITED)
#define REAL(key, type, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_OPTIONAL, type, member)

static const cyaml_schema_field_t overlay_fields[] = {
    TEXT("from", MUST, struct release_overlay, from),
    TEXT("to", MUST, struct release_overlay, to),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t overlay_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct release_overlay, overlay_fields)};

static const cyaml_schema_field_t scripts_fields[] = {
    TEXT("database", MUST, struct release_scripts, database),
    TEXT("dir", MUST, struct release_scripts, dir),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t scripts_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct release_scripts, scripts_fields)};

static const cyaml_schema_field_t smoke_fields[] = {
    TEXT("url", MUST, struct release_smoke, url),
    CYAML_FIELD_UINT("status", CYAML_FLAG_OPTIONAL, struct release_smoke, status),
    TEXT("contains", MAY, struct release_smoke, contains),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t smoke_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct release_smoke, smoke_fields)};

static const cyaml_schema_field_t accept_fields[] = {
    TEXT("rule", MUST, struct release_accept, rule),
    TEXT("subject", MUST, struct release_accept, subject),
    TEXT("reason", MUST, struct release_accept, reason),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t accept_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct release_accept, accept_fields)};

static const cyaml_schema_field_t judge_fields[] = {
    REAL("latency_ratio", struct release_judge, latency_ratio),
    REAL("latency_min_ms", struct release_judge, latency_min_ms),
    REAL("lateness_p99_ms", struct release_judge, lateness_p99_ms),
    REAL("lock_budget_s", struct release_judge, lock_budget_s),
    REAL("statement_budget_s", struct release_judge, statement_budget_s),
    REAL("error_share", struct release_judge, error_share),
    CYAML_FIELD_UINT("min_requests", CYAML_FLAG_OPTIONAL, struct release_judge, min_requests),
    LIST("accept", struct release_judge, accept, &accept_value),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t replay_fields[] = {
    REAL("speed", struct release_replay, speed),
    CYAML_FIELD_UINT("baselines", CYAML_FLAG_OPTIONAL, struct release_replay, baselines),
    CYAML_FIELD_BOOL("confirm", CYAML_FLAG_OPTIONAL, struct release_replay, confirm),
    REAL("timeout_s", struct release_replay, timeout_s),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t restore_fields[] = {
    CYAML_FIELD_BOOL("verify", CYAML_FLAG_OPTIONAL, struct release_restore, verify),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t bundle_fields[] = {
    TEXT("store", MUST, struct release, store),
    TEXT("ref", MAY, struct release, ref),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t release_fields[] = {
    TEXT("release", MUST, struct release, release),
    TEXT("environment", MUST, struct release, environment),
    /* Laid flat over struct release. */
    {.key = "bundle",
     .value = {.type = CYAML_MAPPING,
               .data_size = sizeof(struct release),
               .mapping = {.fields = bundle_fields}}},
    TEXT("box", MUST, struct release, box),
    TEXT("tape", MAY, struct release, tape),
    LIST("config", struct release, config, &overlay_value),
    LIST("migrations", struct release, migrations, &scripts_value),
    LIST("code", struct release, code, &overlay_value),
    LIST("data", struct release, data, &scripts_value),
    LIST("smoke", struct release, smoke, &smoke_value),
    CYAML_FIELD_MAPPING("restore", CYAML_FLAG_OPTIONAL, struct release, restore, restore_fields),
    CYAML_FIELD_MAPPING("replay", CYAML_FLAG_OPTIONAL, struct release, replay, replay_fields),
    CYAML_FIELD_MAPPING("judge", CYAML_FLAG_OPTIONAL, struct release, judge, judge_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t release_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct release, release_fields)};

/* ---- numbers: default and bounds ------------------------------------------------------------------*/

struct number {
    const char *map, *key;
    size_t offset;
    double normal, min, max;
};

#define AT(member) offsetof(struct release, member)
static const struct number numbers[] = {
    {"judge", "latency_ratio", AT(judge.latency_ratio), 1.5, 1, 1000},
    {"judge", "latency_min_ms", AT(judge.latency_min_ms), 10, 0, 3.6e6},
    {"judge", "lateness_p99_ms", AT(judge.lateness_p99_ms), 50, 0, 3.6e6},
    {"judge", "lock_budget_s", AT(judge.lock_budget_s), 5, 0, 86400},
    {"judge", "statement_budget_s", AT(judge.statement_budget_s), 600, 0, 864000},
    {"judge", "error_share", AT(judge.error_share), 0, 0, 1},
    {"replay", "speed", AT(replay.speed), 1, 0.01, 1000},
    {"replay", "timeout_s", AT(replay.timeout_s), 30, 0.001, 86400},
};
#undef AT

static bool check_numbers(const struct yaml_doc *doc, struct release *r, struct err *err)
{
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const struct number *n = &numbers[i];
        const struct yaml_node *at = ydoc_key(ydoc_key(doc->root, n->map), n->key);
        double *value = (double *)(void *)((char *)r + n->offset);

        if (!at)
            *value = n->normal;
        else if (*value < n->min || *value > n->max)
            return ydoc_fail(doc, at, err, "'%s' must be between %g and %g, not %s", n->key, n->min,
                             n->max, at->value);
    }
    const struct yaml_node *baselines = ydoc_key(ydoc_key(doc->root, "replay"), "baselines");
    if (!baselines)
        r->replay.baselines = 2;
    else if (r->replay.baselines < 1 || r->replay.baselines > 2)
        return ydoc_fail(doc, baselines, err, "'baselines' must be 1 or 2, not %s",
                         baselines->value);
    if (!ydoc_key(ydoc_key(doc->root, "replay"), "confirm"))
        r->replay.confirm = true;
    if (!ydoc_key(ydoc_key(doc->root, "judge"), "min_requests"))
        r->judge.min_requests = 20;
    return true;
}

/* ---- meaning --------------------------------------------------------------------------------------*/

static bool check_smoke(const struct yaml_doc *doc, const struct release *r, struct err *err)
{
    const struct yaml_node *list = ydoc_key(doc->root, "smoke");

    for (unsigned i = 0; i < r->smoke_count; i++) {
        const struct yaml_node *status = ydoc_key(ydoc_item(list, i), "status");

        if (status && (r->smoke[i].status < 100 || r->smoke[i].status > 599))
            return ydoc_fail(doc, status, err, "'%s' is not an HTTP status", status->value);
        if (!span_starts(span_of(r->smoke[i].url), "http://") &&
            !span_starts(span_of(r->smoke[i].url), "https://"))
            return ydoc_fail(doc, ydoc_key(ydoc_item(list, i), "url"), err,
                             "'%s' is not an http:// or https:// address", r->smoke[i].url);
    }
    return true;
}

/* A store may be a URL; a plain path is taken from the folder of the file as the others are. */
static bool store_absolute(struct release *r, struct err *err)
{
    return strstr(r->store, "://") || ydoc_path_absolute(r->path, &r->store, err);
}

static bool overlays_absolute(struct release *r, struct err *err)
{
    for (unsigned i = 0; i < r->config_count; i++)
        if (!ydoc_path_absolute(r->path, &r->config[i].from, err))
            return false;
    for (unsigned i = 0; i < r->code_count; i++)
        if (!ydoc_path_absolute(r->path, &r->code[i].from, err))
            return false;
    return true;
}

static bool scripts_absolute(struct release *r, struct err *err)
{
    for (unsigned i = 0; i < r->migrations_count; i++)
        if (!ydoc_path_absolute(r->path, &r->migrations[i].dir, err))
            return false;
    for (unsigned i = 0; i < r->data_count; i++)
        if (!ydoc_path_absolute(r->path, &r->data[i].dir, err))
            return false;
    return true;
}

static bool finish(const struct yaml_doc *doc, struct release *r, struct err *err)
{
    if (!r->ref && !(r->ref = strdup("latest")))
        return err_memory(err);
    return ydoc_path_absolute("", &r->path, err) && store_absolute(r, err) &&
           ydoc_path_absolute(r->path, &r->environment, err) &&
           ydoc_path_absolute(r->path, &r->box, err) &&
           ydoc_path_absolute(r->path, &r->tape, err) && overlays_absolute(r, err) &&
           scripts_absolute(r, err) && check_numbers(doc, r, err) && check_smoke(doc, r, err);
}

static bool parse(struct span text, const char *path, struct yaml_doc **doc, struct release **out,
                  struct err *err)
{
    AUTO(release) struct release *r = NULL;

    if (!ydoc_open(text, path, doc, err) ||
        !ydoc_fill(*doc, text, &release_schema, (void **)&r, err))
        return false;
    r->path = strdup(path);
    if (!r->path)
        return err_memory(err);
    if (!finish(*doc, r, err))
        return false;
    *out = TAKE(r);
    return true;
}

bool release_load(const char *path, struct release **out, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(yaml_doc) struct yaml_doc *doc = NULL;

    if (!file_read(path, YAML_MAX_BYTES, &text, err))
        return err_add(err, "cannot read the release file");
    return parse(buf_view(&text), path, &doc, out, err);
}

void release_free(struct release *r)
{
    if (!r)
        return;
    free(r->path);
    ydoc_free(&release_schema, r);
}

/* ---- against the environment ----------------------------------------------------------------------*/

static bool known_database(const struct env *env, const char *name)
{
    return env_find_database(env, name) != NULL;
}

static bool known_files(const struct env *env, const char *name)
{
    return env_find_files(env, name) != NULL;
}

/* What a release names by name: one line per list that does. */
static const struct reference {
    const char *list, *key, *what, *where;
    bool (*known)(const struct env *env, const char *name);
} references[] = {
    {"migrations", "database", "database", "databases", known_database},
    {"data", "database", "database", "databases", known_database},
    {"config", "to", "file tree", "files", known_files},
    {"code", "to", "file tree", "files", known_files},
};

static bool unknown_name(const struct yaml_doc *doc, const struct yaml_node *n,
                         const struct reference *ref, const struct env *env, struct err *err)
{
    ydoc_fail(doc, n, err, "%s '%s' is unknown", ref->what, n->value);
    return err_hint(err, "name one of '%s' in %s", ref->where, env->path);
}

bool release_check(const struct release *r, const struct env *env, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(yaml_doc) struct yaml_doc *doc = NULL;
    AUTO(release) struct release *again = NULL;

    if (!file_read(r->path, YAML_MAX_BYTES, &text, err) ||
        !parse(buf_view(&text), r->path, &doc, &again, err))
        return false;
    for (size_t i = 0; i < COUNT(references); i++) {
        const struct reference *ref = &references[i];
        const struct yaml_node *list = ydoc_key(doc->root, ref->list);

        for (const struct yaml_node *c = list ? list->child : NULL; c; c = c->next)
            if (!ref->known(env, ydoc_key(c, ref->key)->value))
                return unknown_name(doc, ydoc_key(c, ref->key), ref, env, err);
    }
    return true;
}
