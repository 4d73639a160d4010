#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "migrate/cmd.h"
#include "rehearse/overlay.h"
#include "rehearse/run.h"
#include "restore/cmd.h"

bool run_box(struct run *r, struct err *err)
{
    if (!r->box && !box_open(r->release->box, &r->box, err))
        return false;
    r->box->watch = (struct box_watch){restore_note_service, r->journal};
    return true;
}

bool run_reset(struct run *r, struct err *err)
{
    return run_box(r, err) && box_stop(r->box, err) && r->box->ops->reset(r->box, false, err);
}

static bool clear_box(struct run *r, struct err *err)
{
    AUTO(box) struct box *old = NULL;

    if (!box_is(r->release->box))
        return true;
    return box_open(r->release->box, &old, err) && box_stop(old, err);
}

/* restore keeps what the box held beside it until the new state stands; this step says what it is. */
static bool back_up(struct run *r, struct err *err)
{
    AUTO(box) struct box *old = NULL;
    AUTO(json) json_t *held = NULL;

    if (!box_is(r->release->box))
        return true;
    if (!box_open(r->release->box, &old, err) || !box_show(old, &held, err))
        return false;
    return JOURNAL(r->journal, err, "box.held", f_str("box", r->release->box),
                   f_json("state", json_object_get(held, "state")),
                   f_json("bundle", json_object_get(held, "bundle")));
}

static bool restore_box(struct run *r, struct err *err)
{
    struct restore_conf conf = *(const struct restore_conf *)restore_cmd.defaults;

    box_close(TAKE(r->box));
    conf.from = r->release->store;
    conf.env = r->release->environment;
    conf.into = r->release->box;
    conf.key = r->conf->key;
    conf.replace = true;
    conf.pristine = true;
    conf.verify = r->release->restore.verify;
    if (r->conf->jobs)
        conf.jobs = r->conf->jobs;
    return restore_run(&conf, r->release->ref, r->journal, err) && run_box(r, err) &&
           run_drift(r, err);
}

/* Files that a release laid over a tree: "TREE/path" as the rewrite rules name them. */
struct landed {
    const char *tree;
    json_t *paths;
};

static bool note_landed(void *ctx, const char *path, struct err *err)
{
    struct landed *l = ctx;
    AUTO(free) char *name = path_join(l->tree, path);

    return name && json_object_set_new(l->paths, name, json_true()) == 0 ? true : err_memory(err);
}

static bool overlays(struct run *r, const char *kind, const struct release_overlay *list,
                     unsigned count, json_t *landed, struct err *err)
{
    for (unsigned i = 0; i < count; i++) {
        struct landed note = {.tree = list[i].to, .paths = landed};
        struct overlay_result result;
        char hex[HASH_HEX];
        AUTO(free) char *to = box_files(r->box, list[i].to);

        if (!to)
            return err_memory(err);
        struct overlay_conf conf = {
            .from = list[i].from, .to = to, .landed = note_landed, .ctx = &note};
        if (!overlay_apply(&conf, &result, err))
            return err_add(err, "new %s", kind);
        digest_hex(&result.digest, hex);
        if (!JOURNAL(r->journal, err, "overlay", f_str("kind", kind), f_str("to", list[i].to),
                     f_num("files_added", (int64_t)result.added),
                     f_num("files_changed", (int64_t)result.changed), f_str("digest", hex)))
            return false;
    }
    return true;
}

static bool has_landed(void *ctx, const struct env_rewrite *rule)
{
    return json_object_get(ctx, rule->file) != NULL;
}

/* What the release brought names production: the box's own addresses are put into it. The files
 * that it left alone were rewritten by the restore. */
static bool overlays_rewritten(struct run *r, const char *kind, const struct release_overlay *list,
                               unsigned count, struct err *err)
{
    AUTO(json) json_t *landed = json_object();
    struct box_rewriting how = {.wanted = has_landed, .ctx = landed};

    if (!landed)
        return err_memory(err);
    return overlays(r, kind, list, count, landed, err) && box_rewrite(r->box, &how, err);
}

static bool new_config(struct run *r, struct err *err)
{
    const struct release *rel = r->release;

    return run_box(r, err) && overlays_rewritten(r, "config", rel->config, rel->config_count, err);
}

static bool scripts(struct run *r, const struct release_scripts *list, unsigned count, bool data,
                    struct err *err)
{
    AUTO(free) struct db_conf *confs = calloc(count + 1, sizeof(*confs));
    AUTO(free) struct migrate_item *items = calloc(count + 1, sizeof(*items));
    AUTO(free) char *ledger = run_path(r, data ? "data.ledger" : "migrations.ledger");

    if (!confs || !items || !ledger)
        return err_memory(err);
    for (unsigned i = 0; i < count; i++) {
        if (!box_db_conf(r->box, list[i].database, &confs[i], err))
            return false;
        items[i] = (struct migrate_item){
            .database = list[i].database, .db = &confs[i], .dir = list[i].dir, .data = data};
    }
    struct migrate_job job = {.items = items, .count = count, .ledger = ledger, .profile = true};
    return !count || migrate_run(&job, r->journal, err);
}

/* The ledgers of an interrupted attempt speak of a state that the reset has taken back. */
static bool forget_ledgers(struct run *r, struct err *err)
{
    static const char *const names[] = {"migrations.ledger", "data.ledger"};

    for (size_t i = 0; i < COUNT(names); i++) {
        AUTO(free) char *path = run_path(r, names[i]);
        if (!path)
            return err_memory(err);
        if (path_exists(path) && unlink(path) < 0)
            return err_sys(err, ERR_IO, "cannot remove '%s'", path);
    }
    return true;
}

static bool reset_box(struct run *r, struct err *err)
{
    return run_reset(r, err) && forget_ledgers(r, err);
}

static bool migrations(struct run *r, struct err *err)
{
    return r->box->ops->databases(r->box, BOX_NORMAL, true, err) &&
           scripts(r, r->release->migrations, r->release->migrations_count, false, err);
}

static bool new_code(struct run *r, struct err *err)
{
    const struct release *rel = r->release;

    return overlays_rewritten(r, "code", rel->code, rel->code_count, err) &&
           scripts(r, rel->data, rel->data_count, true, err);
}

static bool smoke_one(struct run *r, const struct release_smoke *smoke, bool *all_ok,
                      struct err *err)
{
    AUTO(buf) struct buf url = {0};
    AUTO(buf) struct buf body = {0};
    AUTO(buf) struct buf detail = {0};
    struct err got = {0};
    unsigned status = 0, expected = smoke->status ? smoke->status : 200;

    if (!box_expand(r->box, smoke->url, &url, err))
        return false;
    bool ok = box_http_get(buf_str(&url), 10, &status, &body, &got);
    if (!ok)
        buf_puts(&detail, got.text);
    else if (status != expected)
        buf_printf(&detail, "%s answered %u, expected %u", smoke->url, status, expected);
    else if (smoke->contains &&
             !memmem(body.at, body.len, smoke->contains, strlen(smoke->contains)))
        buf_printf(&detail, "%s does not contain '%s'", smoke->url, smoke->contains);
    ok = detail.len == 0;
    *all_ok = *all_ok && ok;
    return JOURNAL(r->journal, err, "smoke", f_str("url", smoke->url), f_num("status", status),
                   f_num("expected", expected), f_bool("ok", ok),
                   f_str("detail", buf_str(&detail)));
}

static bool start_and_smoke(struct run *r, struct err *err)
{
    const struct release *rel = r->release;
    bool all_ok = true;

    if (!box_start(r->box, err))
        return false;
    for (unsigned i = 0; i < rel->smoke_count; i++) {
        if (!smoke_one(r, &rel->smoke[i], &all_ok, err))
            return false;
    }
    return all_ok ? true : err_set(err, ERR_DIFFERS, "a smoke check failed");
}

const struct run_step run_steps[] = {
    {1, "check the inputs", BLAME_MACHINERY, false, run_check_inputs},
    {2, "clear the box", BLAME_MACHINERY, false, clear_box},
    {3, "back up what it held", BLAME_MACHINERY, false, back_up},
    {RUN_STEP_RESTORE, "restore production's bundle", BLAME_MACHINERY, true, restore_box},
    {RUN_STEP_BASELINES, "replay against the old release", BLAME_MACHINERY, true, run_baselines},
    {RUN_STEP_RESET, "reset", BLAME_MACHINERY, false, reset_box},
    {7, "apply new config", BLAME_RELEASE, false, new_config},
    {8, "apply migrations", BLAME_RELEASE, false, migrations},
    {9, "apply new code and data scripts", BLAME_RELEASE, false, new_code},
    {10, "start, health and smoke checks", BLAME_RELEASE, false, start_and_smoke},
    {RUN_STEP_REPLAY, "replay against the new release", BLAME_MACHINERY, false, run_candidate},
};
const size_t run_steps_count = COUNT(run_steps);
