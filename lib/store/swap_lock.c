#include "lib/store/swap_lock.h"

#include "lib/base/clock.h"
#include "lib/base/proc.h"
#include "lib/store/name.h"

#define SECOND_NS ((int64_t)1000000000)
#define STALE_NS  (30 * SECOND_NS)
#define EMPTY_NS  (3 * SECOND_NS) /* made, but its content never came: a line cut in between */
#define HOLD_NS   (15 * SECOND_NS)
#define WAIT_NS   (90 * SECOND_NS)
#define PAUSE_MAX (SECOND_NS / 2)

/* Counts the time that the machine slept, which CLOCK_MONOTONIC does not. */
static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

void swap_lock_init(struct swap_lock *l, const char *token)
{
    char host[128] = "?", when[ISO_TIME], kernel[PROC_KERNEL];

    *l = (struct swap_lock){.asked_ns = now_ns()};
    if (gethostname(host, sizeof(host) - 1) != 0)
        snprintf(host, sizeof(host), "?");
    snprintf(l->text, sizeof(l->text), "%s process %ld since %s\n%s\n%s\t%ld\t%llu\n", host,
             (long)getpid(), clock_iso(clock_wall_ns(), when), token, proc_kernel(kernel),
             (long)getpid(), (unsigned long long)proc_start_ticks(getpid()));
}

void swap_lock_taken(struct swap_lock *l)
{
    l->taken_ns = now_ns();
}

bool swap_lock_fresh(const struct swap_lock *l)
{
    return now_ns() - l->taken_ns < HOLD_NS;
}

/* Nobody need wait for one that was killed. */
bool swap_lock_gone(struct span text)
{
    struct span line, kernel, number;
    uint64_t pid = 0, ticks = 0;
    char ours[PROC_KERNEL];

    if (!span_split(&text, '\n', &line) || !span_split(&text, '\n', &line) ||
        !span_split(&text, '\n', &line) || !span_split(&line, '\t', &kernel) ||
        !span_split(&line, '\t', &number) || !span_u64(number, &pid) || pid > INT32_MAX ||
        !span_u64(line, &ticks))
        return false;
    return kernel.len && span_is(kernel, proc_kernel(ours)) && proc_gone((pid_t)pid, ticks);
}

enum swap_lock_state swap_lock_watch(struct swap_lock *l, struct span text, uint32_t mtime_s)
{
    struct digest digest = hash_of(text);
    struct span rest = text, line = {NULL, 0};

    if (span_is(text, l->text)) {
        swap_lock_taken(l);
        return SWAP_LOCK_OURS;
    }
    if (l->watched_ns == 0 || l->seen_mtime_s != mtime_s || !digest_eq(&digest, &l->seen)) {
        l->watched_ns = now_ns();
        l->seen = digest;
        l->seen_mtime_s = mtime_s;
        span_split(&rest, '\n', &line);
        int len = (int)(line.len < sizeof(l->holder) ? line.len : sizeof(l->holder) - 1);
        snprintf(l->holder, sizeof(l->holder), "%.*s", len, len ? line.at : "");
    }
    if (swap_lock_gone(text))
        return SWAP_LOCK_DEAD;
    return now_ns() - l->watched_ns > (text.len > 0 ? STALE_NS : EMPTY_NS) ? SWAP_LOCK_DEAD
                                                                           : SWAP_LOCK_HELD;
}

const char *swap_lock_grave(const struct swap_lock *l, char out[STORE_NAME_MAX])
{
    char hex[HASH_HEX];

    digest_hex(&l->seen, hex);
    snprintf(out, STORE_NAME_MAX, STORE_TMP "lock-%u-%.32s", l->seen_mtime_s, hex);
    return out;
}

bool swap_lock_wait(const struct swap_lock *l, const char *store, int64_t *pause, struct err *err)
{
    if (now_ns() - l->asked_ns > WAIT_NS) {
        err_set(err, ERR_UNREACHABLE, "store '%s' stays locked by '%s'", store, l->holder);
        return err_hint(err, "when that is dead, remove '" SWAP_LOCK "' in the store");
    }
    if (!clock_sleep_until(clock_mono_ns() + *pause))
        return err_set(err, ERR_STOPPED, "stopped while waiting for store '%s'", store);
    *pause = *pause * 3 / 2 < PAUSE_MAX ? *pause * 3 / 2 : PAUSE_MAX;
    return true;
}
