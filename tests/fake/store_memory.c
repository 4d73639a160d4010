#include "tests/fake/store_memory.h"

#include "lib/base/clock.h"
#include "lib/base/vec.h"
#include "lib/store/name.h"

#include <pthread.h>

struct object {
    char name[STORE_NAME_MAX];
    struct buf bytes;
    int64_t mtime_ns;
};

struct memory {
    struct store base;
    pthread_mutex_t lock;
    struct vec objects; /* struct object * */
    uint64_t calls, fail_at;
    bool fail_on;
    size_t open_puts;
};

struct memory_put {
    struct store_put base;
    struct memory *store;
    struct buf bytes;
};

static struct memory *memory_of(const struct store *s)
{
    return (struct memory *)(uintptr_t)s;
}

/* Under the lock. */
static bool charge(struct memory *m, struct err *err)
{
    m->calls++;
    if (m->fail_at == 0 || m->calls < m->fail_at || (m->calls > m->fail_at && !m->fail_on))
        return true;
    return err_set(err, ERR_SPACE, "call %llu was told to fail", (unsigned long long)m->calls);
}

static struct object *lookup(struct memory *m, const char *name)
{
    struct object **all = m->objects.at;

    for (size_t i = 0; i < m->objects.count; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static bool find(struct memory *m, const char *name, struct object **out, struct err *err)
{
    if (!store_name_check(name, err))
        return false;
    *out = lookup(m, name);
    return *out || err_set(err, ERR_MISSING, "no object '%s' in memory", name);
}

/* All or nothing, as a store that holds its contract. */
static bool set(struct memory *m, const char *name, struct span bytes, struct err *err)
{
    AUTO(buf) struct buf fresh = {0};
    struct object *o = lookup(m, name);

    buf_span(&fresh, bytes);
    if (!buf_ok(&fresh, err))
        return false;
    if (!o) {
        o = calloc(1, sizeof(*o));
        struct object **to = o ? vec_add(&m->objects, err) : NULL;
        if (!to) {
            free(o);
            return err_memory(err);
        }
        snprintf(o->name, sizeof(o->name), "%s", name);
        *to = o;
    }
    o->mtime_ns = clock_wall_ns();
    buf_done(&o->bytes);
    o->bytes = fresh;
    fresh = (struct buf){0};
    return true;
}

static bool memory_stat(struct store *s, const char *name, struct store_stat *out, struct err *err)
{
    struct memory *m = memory_of(s);
    struct object *o = NULL;

    pthread_mutex_lock(&m->lock);
    bool ok = charge(m, err) && find(m, name, &o, err);
    if (ok)
        *out = (struct store_stat){.bytes = o->bytes.len, .mtime_ns = o->mtime_ns};
    pthread_mutex_unlock(&m->lock);
    return ok;
}

static bool memory_read(struct store *s, const char *name, uint64_t offset, void *to, size_t len,
                        struct err *err)
{
    struct memory *m = memory_of(s);
    struct object *o = NULL;

    pthread_mutex_lock(&m->lock);
    bool ok = charge(m, err) && find(m, name, &o, err);
    if (ok && (offset > o->bytes.len || len > o->bytes.len - offset))
        ok = err_set(err, ERR_DAMAGED, "'%s' is too short", name);
    if (ok && len)
        memcpy(to, o->bytes.at + offset, len);
    pthread_mutex_unlock(&m->lock);
    return ok;
}

static void put_abort(struct store_put *put)
{
    struct memory_put *p = (struct memory_put *)put;

    if (!p)
        return;
    pthread_mutex_lock(&p->store->lock);
    p->store->open_puts--;
    pthread_mutex_unlock(&p->store->lock);
    buf_done(&p->bytes);
    free(p);
}

static bool put_append(struct store_put *put, const void *bytes, size_t len, struct err *err)
{
    struct memory_put *p = (struct memory_put *)put;

    pthread_mutex_lock(&p->store->lock);
    bool ok = charge(p->store, err);
    pthread_mutex_unlock(&p->store->lock);
    buf_add(&p->bytes, bytes, len);
    return ok && buf_ok(&p->bytes, err);
}

static bool put_commit(struct store_put *put, const char *name, struct err *err)
{
    struct memory_put *p = (struct memory_put *)put;
    struct memory *m = p->store;

    pthread_mutex_lock(&m->lock);
    bool ok =
        charge(m, err) && store_name_check(name, err) && set(m, name, buf_view(&p->bytes), err);
    pthread_mutex_unlock(&m->lock);
    put_abort(put);
    return ok;
}

static const struct store_put_ops put_ops = {put_append, put_commit, put_abort};

static bool memory_put(struct store *s, struct store_put **out, struct err *err)
{
    struct memory *m = memory_of(s);
    struct memory_put *p = NULL;

    pthread_mutex_lock(&m->lock);
    bool ok = charge(m, err);
    p = ok ? calloc(1, sizeof(*p)) : NULL;
    m->open_puts += p != NULL;
    pthread_mutex_unlock(&m->lock);
    if (!p)
        return ok ? err_memory(err) : false;
    p->base.ops = &put_ops;
    p->store = m;
    *out = &p->base;
    return true;
}

/* The callback may call the store again, so it runs without the lock. */
static bool memory_list(struct store *s, const char *prefix, store_each each, void *ctx,
                        struct err *err)
{
    struct memory *m = memory_of(s);

    pthread_mutex_lock(&m->lock);
    bool ok = charge(m, err);
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; ok && i < m->objects.count; i++) {
        const struct object *o = ((struct object **)m->objects.at)[i];
        struct store_stat st = {.bytes = o->bytes.len, .mtime_ns = o->mtime_ns};

        if (span_starts(span_of(o->name), prefix))
            ok = each(ctx, o->name, &st, err);
    }
    return ok;
}

static void object_free(struct object *o)
{
    buf_done(&o->bytes);
    free(o);
}

static bool memory_remove(struct store *s, const char *name, struct err *err)
{
    struct memory *m = memory_of(s);
    struct object *o = NULL;

    pthread_mutex_lock(&m->lock);
    struct object **all = m->objects.at; /* another thread's put may move it */
    bool ok = charge(m, err) && find(m, name, &o, err);
    for (size_t i = 0; ok && i < m->objects.count; i++) {
        if (all[i] != o)
            continue;
        all[i] = all[--m->objects.count];
        object_free(o);
        break;
    }
    pthread_mutex_unlock(&m->lock);
    return ok;
}

static bool as_expected(struct memory *m, const char *name, const struct digest *expected,
                        struct err *err)
{
    const struct object *o = lookup(m, name);

    if ((o != NULL) == (expected != NULL)) {
        struct digest now = hash_of(o ? buf_view(&o->bytes) : SPAN(""));
        if (!o || digest_eq(&now, expected))
            return true;
    }
    return err_set(err, ERR_LOCK, "'%s' was changed by somebody else", name);
}

static bool memory_swap(struct store *s, const char *name, const struct digest *expected,
                        struct span content, struct err *err)
{
    struct memory *m = memory_of(s);

    pthread_mutex_lock(&m->lock);
    bool ok = charge(m, err) && store_name_check(name, err) &&
              as_expected(m, name, expected, err) && set(m, name, content, err);
    pthread_mutex_unlock(&m->lock);
    return ok;
}

static void memory_close(struct store *s)
{
    struct memory *m = memory_of(s);
    struct object **all = m->objects.at;

    for (size_t i = 0; i < m->objects.count; i++)
        object_free(all[i]);
    vec_done(&m->objects);
    pthread_mutex_destroy(&m->lock);
    free(m->base.url);
    free(m);
}

static bool memory_open(const char *url, enum store_mode mode, struct store **out, struct err *err)
{
    (void)url;
    (void)mode;
    (void)out;
    return err_set(err, ERR_USAGE, "a store in memory is made by fake_store_new()");
}

static const struct store_ops memory_ops = {
    .scheme = "memory",
    .help = "for tests",
    .open = memory_open,
    .close = memory_close,
    .stat = memory_stat,
    .read = memory_read,
    .put = memory_put,
    .list = memory_list,
    .remove = memory_remove,
    .swap = memory_swap,
};

bool fake_store_new(struct store **out, struct err *err)
{
    struct memory *m = calloc(1, sizeof(*m));

    if (!m)
        return err_memory(err);
    m->base.ops = &memory_ops;
    m->base.url = strdup("memory://");
    m->objects = (struct vec)VEC(struct object *);
    pthread_mutex_init(&m->lock, NULL);
    *out = &m->base;
    return store_layout_make(&m->base, err);
}

void fake_store_fail_at(struct store *s, uint64_t call, bool fail_on)
{
    struct memory *m = memory_of(s);

    m->calls = 0;
    m->fail_at = call;
    m->fail_on = fail_on;
}

uint64_t fake_store_calls(const struct store *s)
{
    return memory_of(s)->calls;
}

size_t fake_store_open_puts(const struct store *s)
{
    return memory_of(s)->open_puts;
}

size_t fake_store_objects(const struct store *s)
{
    return memory_of(s)->objects.count;
}

struct buf *fake_store_object(struct store *s, const char *name)
{
    struct object *o = lookup(memory_of(s), name);

    return o ? &o->bytes : NULL;
}

const char *fake_store_name(const struct store *s, size_t i)
{
    const struct memory *m = memory_of(s);

    return i < m->objects.count ? ((struct object *const *)m->objects.at)[i]->name : NULL;
}

void fake_store_age(struct store *s, const char *name, int64_t ns)
{
    struct memory *m = memory_of(s);
    struct object **all = m->objects.at;

    for (size_t i = 0; i < m->objects.count; i++)
        if (!name || strcmp(all[i]->name, name) == 0)
            all[i]->mtime_ns -= ns;
}

static bool count_one(void *ctx, const char *name, const struct store_stat *st, struct err *err)
{
    (void)name;
    (void)st;
    (void)err;
    ++*(size_t *)ctx;
    return true;
}

size_t fake_store_count(struct store *s, const char *prefix)
{
    struct err err = {0};
    size_t n = 0;

    if (!s->ops->list(s, prefix, count_one, &n, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return n;
}
