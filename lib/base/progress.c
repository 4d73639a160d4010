#include "lib/base/progress.h"

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NS_PER_S   INT64_C(1000000000)
#define TERMINAL_S 0.2
#define PLAIN_S    10.0
#define NOTE_MAX   48

struct progress {
    char what[NOTE_MAX];
    int64_t start_ns;
    atomic_uint_fast64_t done, total;
    bool terminal;
    bool drawn;           /* a line stands on the terminal: for the ticker, then for the closer */
    pthread_mutex_t lock; /* guards note and ending */
    pthread_cond_t wake;
    char note[NOTE_MAX];
    bool ending;
    pthread_t ticker;
};

struct state {
    uint64_t done, total;
    int64_t took_ns, left_ns;
    uint64_t per_s;
    char note[NOTE_MAX];
};

/* The rate is that of the whole run: steady, where a recent one jumps with every large table. */
static struct state look(struct progress *p)
{
    struct state s = {.done = atomic_load(&p->done),
                      .total = atomic_load(&p->total),
                      .took_ns = clock_mono_ns() - p->start_ns,
                      .left_ns = -1};
    double took_s = (double)(s.took_ns > 0 ? s.took_ns : 1) / (double)NS_PER_S;

    s.per_s = (uint64_t)((double)s.done / took_s);
    if (s.per_s && s.total > s.done)
        s.left_ns = (int64_t)((double)(s.total - s.done) / (double)s.per_s * (double)NS_PER_S);
    pthread_mutex_lock(&p->lock);
    memcpy(s.note, p->note, sizeof(s.note));
    pthread_mutex_unlock(&p->lock);
    return s;
}

static void draw(struct progress *p, const struct state *s)
{
    AUTO(buf) struct buf line = {0};
    char text[ISO_TIME];

    buf_printf(&line, "\r\033[K%s", p->what);
    if (s->total) {
        uint64_t percent = s->done >= s->total ? 100 : s->done * 100 / s->total;
        buf_printf(&line, "  %3" PRIu64 "%%  %s", percent, human_bytes(s->done, text));
        buf_printf(&line, " of %s", human_bytes(s->total, text));
    } else {
        buf_printf(&line, "  %s", human_bytes(s->done, text));
    }
    buf_printf(&line, "  %s/s", human_bytes(s->per_s, text));
    if (s->left_ns >= 0)
        buf_printf(&line, "  %s left", human_time(s->left_ns, text));
    if (s->note[0])
        buf_printf(&line, "  %s", s->note);
    fwrite(buf_str(&line), 1, line.len, stderr);
    p->drawn = true;
}

static void say(struct progress *p, const struct state *s)
{
    struct field fields[7] = {
        f_num("bytes", (int64_t)s->done),
        f_num("bytes_per_s", (int64_t)s->per_s),
        f_num("took_ms", s->took_ns / 1000000),
    };
    size_t n = 3;

    if (s->total)
        fields[n++] = f_num("total_bytes", (int64_t)s->total);
    if (s->left_ns >= 0)
        fields[n++] = f_num("left_s", s->left_ns / NS_PER_S);
    if (s->note[0])
        fields[n++] = f_str("at", s->note);
    fields[n] = (struct field){.type = FIELD_END};
    log_fields(LOG_LEVEL_INFO, p->what, fields);
}

/* True when it is time for another line, false when the work is over. */
static bool wait_tick(struct progress *p, double tick_s)
{
    int64_t until = clock_mono_ns() + (int64_t)(tick_s * (double)NS_PER_S);
    struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    int late = 0;

    pthread_mutex_lock(&p->lock);
    while (!p->ending && late == 0)
        late = pthread_cond_timedwait(&p->wake, &p->lock, &t);
    bool more = !p->ending;
    pthread_mutex_unlock(&p->lock);
    return more;
}

static void *ticker_main(void *arg)
{
    struct progress *p = arg;

    while (wait_tick(p, p->terminal ? TERMINAL_S : PLAIN_S)) {
        struct state s = look(p);
        if (p->terminal)
            draw(p, &s);
        else
            say(p, &s);
    }
    return NULL;
}

/* Names from outside must not reach the terminal as commands. */
static void copy_plain(char to[NOTE_MAX], const char *from)
{
    struct span s = span_of(from);
    size_t at = 0;

    while (s.len) {
        size_t len = span_utf8(s), used = len ? len : 1;
        bool odd = !len || (unsigned char)*s.at < 0x20 || *s.at == 0x7f ||
                   ((unsigned char)s.at[0] == 0xc2 && len == 2 && (unsigned char)s.at[1] < 0xa0);
        if (at + used >= NOTE_MAX)
            break;
        if (odd) {
            to[at++] = '?';
        } else {
            memcpy(to + at, s.at, used);
            at += used;
        }
        s = (struct span){s.at + used, s.len - used};
    }
    to[at] = 0;
}

static bool start_ticker(struct progress *p)
{
    pthread_condattr_t attr;
    sigset_t all, before;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&p->lock, NULL);
    /* Signals are for the threads that work: they have blocking calls to be interrupted. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&p->ticker, NULL, ticker_main, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct progress *progress_open(const char *what, uint64_t total_bytes)
{
    struct progress *p = log_enabled(LOG_LEVEL_INFO) ? calloc(1, sizeof(*p)) : NULL;
    if (!p)
        return NULL;

    copy_plain(p->what, what);
    p->start_ns = clock_mono_ns();
    p->terminal = term_colours(STDERR_FILENO) && !log_is_json();
    atomic_store(&p->total, total_bytes);
    if (start_ticker(p))
        return p;
    free(p);
    return NULL;
}

void progress_total(struct progress *p, uint64_t total_bytes)
{
    if (p)
        atomic_store(&p->total, total_bytes);
}

void progress_add(struct progress *p, uint64_t bytes)
{
    if (p)
        atomic_fetch_add(&p->done, bytes);
}

void progress_note(struct progress *p, const char *subject)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    copy_plain(p->note, subject);
    pthread_mutex_unlock(&p->lock);
}

void progress_close(struct progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->ticker, NULL);
    if (p->drawn)
        fputs("\r\033[K", stderr);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
