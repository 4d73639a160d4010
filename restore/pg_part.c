#include "restore/pg_part.h"

#include "restore/only.h"

static bool read_text(struct bundle *bundle, const char *component, const char *name,
                      struct buf *out, struct err *err)
{
    AUTO(free) char *stream = stream_name(component, NULL, name);

    return stream ? bundle_read_text(bundle, stream, out, err) : err_memory(err);
}

static bool cut(struct pg_part *p, struct pg_select_conf *conf, struct err *err)
{
    struct buf pre = {0}, post = {0}, sequences = {0};
    bool ok = pg_select_new(conf, &p->select, err) && pg_select_pre_data(p->select, &pre, err) &&
              pg_select_post_data(p->select, &post, err) &&
              pg_select_sequences(p->select, buf_view(&p->sequences), &sequences, err);

    buf_done(&p->pre_data);
    buf_done(&p->post_data);
    buf_done(&p->sequences);
    p->pre_data = pre;
    p->post_data = post;
    p->sequences = sequences;
    return ok;
}

static bool read_part(struct bundle *bundle, const char *component, const struct selection *what,
                      struct db *db, struct pg_part *p, struct err *err)
{
    AUTO(vec) struct vec parts = VEC(struct only_part);
    AUTO(json) json_t *offered = NULL;

    if (!read_text(bundle, component, "pre-data.sql", &p->pre_data, err) ||
        !read_text(bundle, component, "post-data.sql", &p->post_data, err) ||
        !read_text(bundle, component, "sequences.sql", &p->sequences, err) ||
        !only_parts(what->only, component, &parts, err))
        return false;
    if (!parts.count)
        return true;
    if (!db_names(db, &offered, err, "SELECT name FROM pg_catalog.pg_available_extensions"))
        return false;
    struct pg_select_conf conf = {.component = component,
                                  .pre_data = buf_view(&p->pre_data),
                                  .post_data = buf_view(&p->post_data),
                                  .parts = &parts,
                                  .references = what->references,
                                  .offered = offered};
    return cut(p, &conf, err);
}

bool pg_part_open(struct bundle *bundle, const char *component, const struct selection *what,
                  struct db *db, struct pg_part *p, struct err *err)
{
    return read_part(bundle, component, what, db, p, err) &&
           pg_owner_open(what, db, &p->owner, err) &&
           pg_owner_apply(&p->owner, &p->pre_data, "pre-data.sql", err) &&
           pg_owner_apply(&p->owner, &p->post_data, "post-data.sql", err);
}

void pg_part_done(struct pg_part *p)
{
    pg_select_free(p->select);
    pg_owner_done(&p->owner);
    buf_done(&p->pre_data);
    buf_done(&p->post_data);
    buf_done(&p->sequences);
    *p = (struct pg_part){0};
}

bool pg_part_has(const struct pg_part *p, const struct stream *s)
{
    const char *schema = json_string_value(json_object_get(s->meta, "schema"));
    const char *table = json_string_value(json_object_get(s->meta, "table"));
    bool config = json_is_true(json_object_get(s->meta, "config"));

    return !p->select || (schema && table && pg_select_table(p->select, schema, table, config));
}
