#include "rehearse/run.h"

#include "lib/base/json.h"
#include "replay/cmd.h"

/* Each service that answers on a port in production answers on another one in the box. */
static bool route(struct run *r, struct replay_conf *conf, struct buf *text, struct err *err)
{
    for (unsigned i = 0; i < r->env->services_count; i++) {
        const struct env_service *s = &r->env->services[i];
        AUTO(free) char *var = NULL;

        if (!s->port)
            continue;
        if (asprintf(&var, "%u=127.0.0.1:${port.%s}", s->port, s->name) < 0)
            return err_memory(err);
        AUTO(buf) struct buf one = {0};
        if (!box_expand(r->box, var, &one, err))
            return false;
        /* Offsets now, pointers when the text no longer moves. */
        if (conf->to.count == COUNT(conf->to.at))
            return err_set(err, ERR_CONFIG, "more than %zu services have a port",
                           COUNT(conf->to.at));
        conf->to.count++;
        buf_add(text, buf_str(&one), one.len + 1);
    }
    if (!buf_ok(text, err))
        return false;
    const char *at = text->at;
    for (size_t i = 0; i < conf->to.count; i++, at += strlen(at) + 1)
        conf->to.at[i] = at;
    if (!conf->to.count)
        return err_set(err, ERR_CONFIG, "no service of environment '%s' has a port to replay to",
                       r->env->name);
    return true;
}

static bool replay_once(struct run *r, const char *label, const char *against, const char *noise,
                        struct err *err)
{
    AUTO(buf) struct buf routes = {0};
    AUTO(free) char *name = NULL;
    AUTO(free) char *results = NULL;

    if (asprintf(&name, "%s.results", label) < 0 || !(results = run_path(r, name)))
        return err_memory(err);
    struct replay_conf conf = *(const struct replay_conf *)replay_cmd.defaults;
    conf.tape = r->release->tape;
    conf.results = results;
    conf.against = against;
    conf.noise = noise;
    conf.label = label;
    conf.speed = r->release->replay.speed;
    return route(r, &conf, &routes, err) && replay_run(&conf, r->journal, err);
}

bool run_baselines(struct run *r, struct err *err)
{
    unsigned wanted = r->release->replay.baselines ? r->release->replay.baselines : 1;

    for (unsigned i = 1; i <= wanted; i++) {
        char label[32];

        if (!run_reset(r, err) || !box_start(r->box, err))
            return err_add(err, "the old release");
        snprintf(label, sizeof(label), "baseline-%u", i);
        if (!replay_once(r, label, NULL, NULL, err))
            return false;
    }
    return true;
}

bool run_replay_new(struct run *r, const char *label, struct err *err)
{
    AUTO(free) char *first = run_path(r, "baseline-1.results");
    AUTO(free) char *second = run_path(r, "baseline-2.results");
    AUTO(json) json_t *before = NULL;

    if (!first || !second)
        return err_memory(err);
    return touched_begin(r, &before, err) &&
           replay_once(r, label, first, r->release->replay.baselines > 1 ? second : NULL, err) &&
           box_check_services(r->box, err) && touched_end(r, before, err);
}

bool run_candidate(struct run *r, struct err *err)
{
    return run_replay_new(r, "candidate", err) &&
           (!r->release->replay.confirm || run_confirm(r, err));
}
