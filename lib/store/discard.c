#include "lib/store/discard.h"

#include <stdlib.h>

static bool nothing(const char *name, struct err *err)
{
    return err_set(err, ERR_MISSING, "'%s' was not kept: this is a dry run", name);
}

static bool discard_open(const char *url, enum store_mode mode, struct store **out, struct err *err)
{
    (void)url;
    (void)mode;
    return store_discard(out, err);
}

static void discard_close(struct store *s)
{
    free(s->url);
    free(s);
}

static bool discard_stat(struct store *s, const char *name, struct store_stat *out, struct err *err)
{
    (void)s;
    (void)out;
    return nothing(name, err);
}

static bool discard_read(struct store *s, const char *name, uint64_t offset, void *to, size_t len,
                         struct err *err)
{
    (void)s;
    (void)offset;
    (void)to;
    (void)len;
    return nothing(name, err);
}

static bool put_append(struct store_put *p, const void *bytes, size_t len, struct err *err)
{
    (void)p;
    (void)bytes;
    (void)len;
    (void)err;
    return true;
}

static bool put_commit(struct store_put *p, const char *name, struct err *err)
{
    (void)name;
    (void)err;
    free(p);
    return true;
}

static void put_abort(struct store_put *p)
{
    free(p);
}

static const struct store_put_ops put_ops = {put_append, put_commit, put_abort};

static bool discard_put(struct store *s, struct store_put **out, struct err *err)
{
    struct store_put *p = malloc(sizeof(*p));

    (void)s;
    if (!p)
        return err_memory(err);
    p->ops = &put_ops;
    *out = p;
    return true;
}

static bool discard_list(struct store *s, const char *prefix, store_each each, void *ctx,
                         struct err *err)
{
    (void)s;
    (void)prefix;
    (void)each;
    (void)ctx;
    (void)err;
    return true;
}

static bool discard_remove(struct store *s, const char *name, struct err *err)
{
    (void)s;
    return nothing(name, err);
}

static bool discard_swap(struct store *s, const char *name, const struct digest *expected,
                         struct span content, struct err *err)
{
    (void)s;
    (void)expected;
    (void)content;
    return nothing(name, err);
}

static const struct store_ops discard_ops = {
    .scheme = "discard",
    .help = "keeps nothing",
    .open = discard_open,
    .close = discard_close,
    .stat = discard_stat,
    .read = discard_read,
    .put = discard_put,
    .list = discard_list,
    .remove = discard_remove,
    .swap = discard_swap,
};

bool store_discard(struct store **out, struct err *err)
{
    struct store *s = calloc(1, sizeof(*s));
    char *url = strdup("discard://");

    if (!s || !url) {
        free(s);
        free(url);
        return err_memory(err);
    }
    *s = (struct store){&discard_ops, url};
    *out = s;
    return true;
}
