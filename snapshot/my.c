#include "snapshot/my.h"

static void my_close(struct source *base)
{
    struct my_source *s = (struct my_source *)base;

    if (!s)
        return;
    my_server_leave(s);
    my_catalog_done(&s->catalog);
    json_decref(s->left_out);
    json_decref(s->accounts);
    free(s->component);
    free(s);
}
AUTO_PTR(my_source, struct source, my_close)

static bool fill(struct my_source *s, const struct source_conf *conf, unsigned index,
                 struct err *err)
{
    const struct env_database *from = &conf->env->databases[index];
    AUTO(buf) struct buf component = {0};

    s->conf = *conf;
    s->conf.jobs = conf->jobs ? conf->jobs : 1;
    s->from = from;
    buf_printf(&component, "mariadb.%s", from->name);
    s->component = buf_take(&component);
    s->left_out = json_array();
    if (!s->component || !s->left_out)
        return err_memory(err);
    if (!from->database || !*from->database) {
        err_set(err, ERR_CONFIG, "database '%s' names no database on its server", from->name);
        return err_hint(err, "set 'database'");
    }
    return true;
}

static bool my_open(const struct source_conf *conf, unsigned index, struct source **out,
                    struct err *err)
{
    struct my_source *s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    AUTO(my_source) struct source *base = &s->base;

    s->base.ops = &source_mariadb;
    /* The catalog is read before the lock, to keep that short, and compared after the rows. */
    if (!fill(s, conf, index, err))
        return false;
    if (!my_server_join(s, err) || !my_main(s, err) || !my_rights_check(s, err) ||
        (s->server->uses == 1 && !lag_watch(conf->lag, s->component, &s->server->conf, err)) ||
        !my_catalog_read(s, &s->catalog, err))
        return err_add(err, "cannot capture '%s'", s->from->name);
    *out = TAKE(base);
    return true;
}

static bool my_point(struct source *base, struct err *err)
{
    struct my_source *s = (struct my_source *)base;

    return my_lock_point(s, err) || err_add(err, "cannot capture '%s'", s->from->name);
}

static bool my_plan(struct source *base, struct sched *sched, struct err *err)
{
    struct my_source *s = (struct my_source *)base;
    struct my_table *t = s->catalog.tables.at;

    if (!my_main(s, err) || !my_write_streams(s, err))
        return false;
    for (size_t i = 0; i < s->catalog.tables.count; i++) {
        if (!my_plan_table(s, &t[i], sched, err))
            return false;
    }
    return true;
}

static bool my_finish(struct source *base, struct err *err)
{
    struct my_source *s = (struct my_source *)base;
    struct my_catalog after = {0};

    if (!my_main(s, err) || !my_catalog_read(s, &after, err))
        return false;
    bool same = my_catalog_compare(s, &s->catalog, &after, err);
    my_catalog_done(&after);
    return same && my_write_schema(s, err) && my_write_facts(s, err);
}

const struct source_ops source_mariadb = {.name = "mariadb",
                                          .open = my_open,
                                          .point = my_point,
                                          .plan = my_plan,
                                          .finish = my_finish,
                                          .close = my_close};
