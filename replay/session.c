#include "replay/session.h"

#include <pthread.h>
#include <stdatomic.h>

struct entry {
    struct entry *next;
    enum made_kind kind;
    struct span noun, from, to; /* in `bytes`; `from` is the key of the reverse table's entries */
    char bytes[];
};

struct table {
    struct entry **bucket;
    size_t buckets, count;
};

struct session {
    pthread_rwlock_t lock;
    struct table forward, taken; /* taken: which replayed ids are given already */
    _Atomic size_t count;
    void (*hit)(void *ctx, struct span to);
    void *hit_ctx;
};

bool session_new(struct session **out, struct err *err)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return err_memory(err);
    pthread_rwlock_init(&s->lock, NULL);
    *out = s;
    return true;
}

static void table_done(struct table *t)
{
    for (size_t i = 0; i < t->buckets; i++) {
        while (t->bucket[i]) {
            struct entry *e = t->bucket[i];
            t->bucket[i] = e->next;
            free(e);
        }
    }
    free(t->bucket);
}

void session_free(struct session *s)
{
    if (!s)
        return;
    table_done(&s->forward);
    table_done(&s->taken);
    pthread_rwlock_destroy(&s->lock);
    free(s);
}

void session_watch(struct session *s, void (*hit)(void *ctx, struct span to), void *ctx)
{
    s->hit = hit;
    s->hit_ctx = ctx;
}

bool session_empty(const struct session *s)
{
    return atomic_load(&s->count) == 0;
}

size_t session_count(const struct session *s)
{
    return atomic_load(&s->count);
}

static uint64_t hash_span(uint64_t h, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (uint8_t)s.at[i]) * UINT64_C(0x100000001b3);
    return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t key_hash(enum made_kind kind, struct span noun, struct span from)
{
    uint64_t h = hash_span(hash_span(UINT64_C(0xcbf29ce484222325) + kind, noun), from);

    return h ^ h >> 32;
}

static struct entry *table_find(const struct table *t, enum made_kind kind, struct span noun,
                                struct span from)
{
    if (!t->buckets)
        return NULL;
    struct entry *e = t->bucket[key_hash(kind, noun, from) & (t->buckets - 1)];
    while (e && !(e->kind == kind && span_eq(e->from, from) && span_eq(e->noun, noun)))
        e = e->next;
    return e;
}

static bool table_grow(struct table *t, struct err *err)
{
    size_t buckets = t->buckets ? t->buckets * 2 : 256;
    struct entry **fresh = calloc(buckets, sizeof(struct entry *));

    if (!fresh)
        return err_memory(err);
    for (size_t i = 0; i < t->buckets; i++) {
        while (t->bucket[i]) {
            struct entry *e = t->bucket[i];
            t->bucket[i] = e->next;
            size_t b = key_hash(e->kind, e->noun, e->from) & (buckets - 1);
            e->next = fresh[b];
            fresh[b] = e;
        }
    }
    free(t->bucket);
    t->bucket = fresh;
    t->buckets = buckets;
    return true;
}

static struct span copy_to(char **at, struct span s)
{
    char *start = *at;

    if (s.len)
        memcpy(start, s.at, s.len);
    *at += s.len;
    return (struct span){start, s.len};
}

static bool table_add(struct table *t, enum made_kind kind, struct span noun, struct span from,
                      struct span to, struct err *err)
{
    if (t->count >= t->buckets && !table_grow(t, err))
        return false;
    struct entry *e = malloc(sizeof(*e) + noun.len + from.len + to.len);
    if (!e)
        return err_memory(err);
    char *at = e->bytes;
    e->kind = kind;
    e->noun = copy_to(&at, noun);
    e->from = copy_to(&at, from);
    e->to = copy_to(&at, to);
    struct entry **bucket = &t->bucket[key_hash(kind, noun, from) & (t->buckets - 1)];
    e->next = *bucket;
    *bucket = e;
    t->count++;
    return true;
}

static bool put_locked(struct session *s, enum made_kind kind, struct span noun, struct span from,
                       struct span to, struct err *err)
{
    if (table_find(&s->forward, kind, noun, from))
        return true;
    if (kind == MADE_ID && table_find(&s->taken, kind, noun, to))
        return true;
    if (!table_add(&s->forward, kind, noun, from, to, err) ||
        !table_add(&s->taken, kind, noun, to, from, err))
        return false;
    atomic_fetch_add(&s->count, 1);
    return true;
}

bool session_put(struct session *s, enum made_kind kind, struct span noun, struct span from,
                 struct span to, struct err *err)
{
    pthread_rwlock_wrlock(&s->lock);
    bool ok = put_locked(s, kind, noun, from, to, err);
    pthread_rwlock_unlock(&s->lock);
    return ok;
}

bool session_learn(struct session *s, const struct vec *recorded, const struct vec *replayed,
                   struct err *err)
{
    const struct made *old = recorded->at, *new = replayed->at;

    for (size_t i = 0; i < recorded->count; i++) {
        for (size_t k = 0; k < replayed->count; k++) {
            if (old[i].kind != new[k].kind || strcmp(old[i].where, new[k].where) != 0)
                continue;
            if (strcmp(old[i].value, new[k].value) != 0 &&
                !session_put(s, old[i].kind, span_of(old[i].noun), span_of(old[i].value),
                             span_of(new[k].value), err))
                return false;
            break;
        }
    }
    return true;
}

bool session_get(struct session *s, enum made_kind kind, struct span noun, struct span from,
                 struct buf *out)
{
    pthread_rwlock_rdlock(&s->lock);
    const struct entry *e = table_find(&s->forward, kind, noun, from);
    if (e)
        buf_span(out, e->to);
    if (e && s->hit)
        s->hit(s->hit_ctx, e->to);
    pthread_rwlock_unlock(&s->lock);
    return e != NULL;
}

bool session_each(struct session *s,
                  bool (*each)(void *ctx, enum made_kind kind, struct span noun, struct span from,
                               struct span to, struct err *err),
                  void *ctx, struct err *err)
{
    bool ok = true;

    pthread_rwlock_rdlock(&s->lock);
    for (size_t i = 0; ok && i < s->forward.buckets; i++)
        for (const struct entry *e = s->forward.bucket[i]; ok && e; e = e->next)
            ok = each(ctx, e->kind, e->noun, e->from, e->to, err);
    pthread_rwlock_unlock(&s->lock);
    return ok;
}
