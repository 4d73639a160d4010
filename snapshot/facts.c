/* Host facts as a source: kernel, packages, and the environment file itself. */
#include "lib/env/facts.h"

#include "lib/base/json.h"
#include "snapshot/source.h"

struct facts_source {
    struct source base;
    const struct source_conf *conf;
};

static bool facts_open(const struct source_conf *conf, unsigned index, struct source **out,
                       struct err *err)
{
    struct facts_source *f = calloc(1, sizeof(*f));

    (void)index;
    if (!f)
        return err_memory(err);
    f->base.ops = &source_facts;
    f->conf = conf;
    *out = &f->base;
    return true;
}

static bool write_json(struct facts_source *f, const char *name, const json_t *facts,
                       struct err *err)
{
    AUTO(free) char *stream = stream_name("facts", NULL, name);
    AUTO(free) char *text = json_pretty(facts);

    if (!stream || !text)
        return err_memory(err);
    return bundle_text(f->conf->writer, stream, NULL, span_of(text), err);
}

static bool write_host(void *ctx, void *arg, unsigned worker, struct err *err)
{
    AUTO(json) json_t *facts = NULL;

    (void)arg;
    (void)worker;
    return facts_host(&facts, err) && write_json(ctx, "host", facts, err);
}

static bool write_packages(void *ctx, void *arg, unsigned worker, struct err *err)
{
    AUTO(json) json_t *facts = NULL;

    (void)arg;
    (void)worker;
    return facts_packages(&facts, err) && write_json(ctx, "packages", facts, err);
}

static bool facts_plan(struct source *s, struct sched *sched, struct err *err)
{
    struct task host = {.run = write_host, .ctx = s, .name = "host facts"};
    struct task packages = {.run = write_packages, .ctx = s, .name = "packages"};

    return sched_add(sched, &host, NULL, 0, NULL, err) &&
           sched_add(sched, &packages, NULL, 0, NULL, err);
}

/* The file says where passwords lie and never what they are: env_load() takes no others. */
static bool facts_finish(struct source *s, struct err *err)
{
    struct facts_source *f = (struct facts_source *)s;
    json_t *none = json_pack("{s:[]}", "left_out");

    return none && bundle_component(f->conf->writer, "facts", none, err) &&
           bundle_text(f->conf->writer, "facts/environment.yaml", NULL, span_of(f->conf->env->text),
                       err);
}

static void facts_close(struct source *s)
{
    free(s);
}

const struct source_ops source_facts = {
    .name = "facts",
    .open = facts_open,
    .plan = facts_plan,
    .finish = facts_finish,
    .close = facts_close,
};
