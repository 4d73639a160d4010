#include "rehearse/run.h"

#include "lib/base/fd.h"
#include "lib/base/hash.h"
#include "lib/base/json.h"
#include "lib/bundle/access.h"
#include "lib/bundle/bundle.h"
#include "rehearse/overlay.h"
#include "rehearse/verdict.h"
#include "rehearse/verdict_rules.h"

static bool input(struct run *r, const char *kind, const char *path, struct err *err)
{
    struct digest digest;
    char hex[HASH_HEX];

    if (!overlay_digest(path, &digest, err))
        return err_add(err, "%s of release '%s'", kind, r->release->release);
    digest_hex(&digest, hex);
    return JOURNAL(r->journal, err, "input", f_str("kind", kind), f_str("name", path),
                   f_str("digest", hex));
}

static bool overlay_inputs(struct run *r, const char *kind, const struct release_overlay *list,
                           unsigned count, struct err *err)
{
    for (unsigned i = 0; i < count; i++) {
        if (!env_find_files(r->env, list[i].to))
            return err_set(err, ERR_CONFIG, "'%s' of %s is no file tree of environment '%s'",
                           list[i].to, kind, r->env->name);
        if (!input(r, kind, list[i].from, err))
            return false;
    }
    return true;
}

static bool script_inputs(struct run *r, const struct release_scripts *list, unsigned count,
                          struct err *err)
{
    for (unsigned i = 0; i < count; i++) {
        if (!env_find_database(r->env, list[i].database))
            return err_set(err, ERR_CONFIG, "'%s' is no database of environment '%s'",
                           list[i].database, r->env->name);
        if (!input(r, "script", list[i].dir, err))
            return false;
    }
    return true;
}

static bool read_access(const struct run *r, struct bundle_access *a, struct err *err)
{
    const struct env_bundle *keys = r->env->bundle;

    for (unsigned i = 0; keys && i < keys->trusted.count; i++)
        if (!access_trust(a, keys->trusted.at[i], err))
            return err_add(err, "%s", r->env->path);
    a->signed_only = keys && keys->require_signature;
    return access_key(a, r->conf->key, err);
}

bool run_open_bundle(struct run *r, struct store **store, struct bundle **bundle, struct err *err)
{
    AUTO(access) struct bundle_access access = {0};

    return read_access(r, &access, err) && store_open(r->release->store, STORE_READ, store, err) &&
           bundle_open_as(*store, r->release->ref, &access, bundle, err);
}

static bool bundle_input(struct run *r, struct err *err)
{
    AUTO(store) struct store *store = NULL;
    AUTO(bundle) struct bundle *bundle = NULL;
    char hex[HASH_HEX];

    if (!run_open_bundle(r, &store, &bundle, err))
        return false;
    digest_hex(bundle_digest(bundle), hex);
    return JOURNAL(r->journal, err, "input", f_str("kind", "bundle"),
                   f_str("name", r->release->ref), f_str("digest", hex),
                   f_json("created", json_object_get(bundle_config(bundle), "created")));
}

/* Of a kept part of the journal: the last one of its kind. */
static const json_t *kept_input(const json_t *events, const char *kind)
{
    const json_t *found = NULL, *e;
    size_t i;

    json_array_foreach(events, i, e)
    {
        if (event_is(e, "input") && strcmp(event_str(e, "kind"), kind) == 0)
            found = e;
    }
    return found;
}

/* Answers are compared request by request. */
static bool same_tape(struct run *r, struct err *err)
{
    AUTO(json) json_t *events = NULL, *counting = NULL;
    struct digest digest;
    char hex[HASH_HEX];

    if (!journal_load(journal_path(r->journal), &events, err))
        return false;
    counting = verdict_events(events);
    if (!counting)
        return err_memory(err);
    if (!overlay_digest(r->release->tape, &digest, err))
        return err_add(err, "tape of release '%s'", r->release->release);
    digest_hex(&digest, hex);
    return strcmp(event_str(kept_input(counting, "tape"), "digest"), hex) == 0 ||
           err_set(err, ERR_DIFFERS,
                   "'%s' is another tape than the one that was replayed against the old release: "
                   "put that back, or rehearse anew with another --out",
                   r->release->tape);
}

static bool check_inputs(struct run *r, bool bundle, struct err *err)
{
    const struct release *rel = r->release;
    AUTO(json) json_t *policy = policy_json(&rel->judge);

    if (!policy)
        return err_memory(err);
    return release_check(rel, r->env, err) &&
           JOURNAL(r->journal, err, "policy", f_json("judge", policy)) &&
           input(r, "release", rel->path, err) && input(r, "environment", rel->environment, err) &&
           (!bundle || bundle_input(r, err)) && input(r, "tape", rel->tape, err) &&
           overlay_inputs(r, "config", rel->config, rel->config_count, err) &&
           overlay_inputs(r, "code", rel->code, rel->code_count, err) &&
           script_inputs(r, rel->migrations, rel->migrations_count, err) &&
           script_inputs(r, rel->data, rel->data_count, err);
}

bool run_check_inputs(struct run *r, struct err *err)
{
    return check_inputs(r, true, err);
}

/* What is restored stays what the journal says; "latest" may be another bundle by now. */
bool run_check_again(struct run *r, unsigned after, struct err *err)
{
    return (after < RUN_STEP_BASELINES || same_tape(r, err)) &&
           check_inputs(r, after < RUN_STEP_RESTORE, err);
}
