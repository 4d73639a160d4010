#include "migrate/invalid.h"

#include "lib/base/vec.h"

static const char invalid_sql[] =
#include "migrate/pg_invalid.sql.h"
    ;

struct invalid {
    struct invalid_conf conf;
    struct vec known; /* of uint64_t: oids */
    const char *file; /* NULL: only learn */
};

void invalid_close(struct invalid *v)
{
    if (!v)
        return;
    vec_done(&v->known);
    free(v);
}

static bool is_known(const struct invalid *v, uint64_t id)
{
    const uint64_t *known = v->known.at;

    for (size_t i = 0; i < v->known.count; i++) {
        if (known[i] == id)
            return true;
    }
    return false;
}

static bool take(void *ctx, const struct db_row *row, struct err *err)
{
    struct invalid *v = ctx;
    uint64_t id, *slot;

    if (row->count < 3 || !span_u64(row->value[0], &id) || is_known(v, id))
        return true;
    if (!(slot = vec_add(&v->known, err)))
        return false;
    *slot = id;
    if (!v->file)
        return true;
    return JOURNAL(v->conf.journal, err, "migrate.invalid_index",
                   f_str("database", v->conf.database), f_str("file", v->file),
                   f_span("table", row->value[1]), f_span("index", row->value[2]));
}

bool invalid_open(const struct invalid_conf *conf, struct db *db, struct invalid **out,
                  struct err *err)
{
    AUTO(invalid) struct invalid *v = calloc(1, sizeof(*v));

    if (!v)
        return err_memory(err);
    v->conf = *conf;
    v->known = (struct vec)VEC(uint64_t);
    if (!invalid_look(v, db, NULL, err))
        return false;
    *out = TAKE(v);
    return true;
}

bool invalid_look(struct invalid *v, struct db *db, const char *file, struct err *err)
{
    v->file = file;
    return db_rows(db, take, v, err, "%s", invalid_sql);
}
