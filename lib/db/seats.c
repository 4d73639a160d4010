#include "lib/db/seats.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"

#include <stdatomic.h>

/* A server counts a session that was closed until it has ended there, a moment later. */
#define ENDING_NS ((int64_t)1000000000)
#define LOOK_NS   ((int64_t)20000000)

struct seat {
    struct db *db; /* NULL: empty */
    const void *of;
};

struct seats {
    unsigned workers, most, keep;
    atomic_bool closed; /* one was: the server may count it still, whoever opens the next */
    struct seat *at;    /* of each worker `most`, the one used last in front */
};

bool seats_new(unsigned workers, unsigned keep, struct seats **out, struct err *err)
{
    AUTO(seats) struct seats *s = calloc(1, sizeof(*s));

    if (!s)
        return err_memory(err);
    s->workers = workers ? workers : 1;
    s->most = s->keep = keep ? keep : 1;
    s->at = calloc((size_t)s->workers * s->most, sizeof(*s->at));
    if (!s->at)
        return err_memory(err);
    *out = TAKE(s);
    return true;
}

void seats_free(struct seats *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->at && i < (size_t)s->workers * s->most; i++)
        db_close(s->at[i].db);
    free(s->at);
    free(s);
}

void seats_keep(struct seats *s, unsigned keep)
{
    s->keep = keep < 1 ? 1 : keep > s->most ? s->most : keep;
}

bool seats_are_few(const struct seats *s)
{
    return s->keep < s->most;
}

static struct seat *seats_of(struct seats *s, unsigned worker)
{
    return &s->at[(size_t)worker * s->most];
}

static void leave(struct seats *s, struct seat *seat)
{
    if (seat->db)
        atomic_store(&s->closed, true);
    db_close(seat->db);
    *seat = (struct seat){0};
}

/* Puts `seat` in front; those before it move one back. */
static void to_front(struct seat *mine, unsigned from, struct seat seat)
{
    memmove(mine + 1, mine, from * sizeof(*mine));
    mine[0] = seat;
}

static bool open_again(struct seat *fresh, void *of, unsigned worker, seat_open open,
                       struct err *err)
{
    int64_t until = clock_mono_ns() + ENDING_NS;
    struct err why = {0};

    while (!open(of, worker, &fresh->db, &why)) {
        if (why.code != ERR_UNREACHABLE || clock_mono_ns() > until)
            return err_pass(err, &why);
        if (!cmd_stop_check(err))
            return false;
        clock_sleep_until(clock_mono_ns() + LOOK_NS);
        err_clear(&why);
    }
    return true;
}

bool seats_take(struct seats *s, unsigned worker, void *of, seat_open open, struct db **out,
                struct err *err)
{
    struct seat *mine = seats_of(s, worker), fresh = {.of = of};

    for (unsigned i = 0; i < s->most; i++) {
        if (!mine[i].db || mine[i].of != of)
            continue;
        to_front(mine, i, mine[i]);
        *out = mine[0].db;
        return true;
    }
    /* First the old one goes, so that there is never one too many. */
    for (unsigned i = s->keep - 1; i < s->most; i++)
        leave(s, &mine[i]);
    if (atomic_load(&s->closed) ? !open_again(&fresh, of, worker, open, err)
                                : !open(of, worker, &fresh.db, err))
        return false;
    to_front(mine, s->keep - 1, fresh);
    *out = fresh.db;
    return true;
}

void seats_leave(struct seats *s, const void *of)
{
    if (!s)
        return;
    for (unsigned worker = 0; worker < s->workers; worker++) {
        struct seat *mine = seats_of(s, worker);
        unsigned kept = 0;

        for (unsigned i = 0; i < s->most; i++) {
            if (mine[i].of == of)
                leave(s, &mine[i]);
            else
                mine[kept++] = mine[i];
        }
        memset(mine + kept, 0, (s->most - kept) * sizeof(*mine));
    }
}
