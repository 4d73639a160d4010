/* Which bundles the retention rules keep. */
#include "lib/bundle/gc.h"

#include "lib/base/clock.h"

#include <time.h>

/* The period that an instant lies in, as a number that differs between any two periods. */
typedef int64_t (*period_of)(int64_t wall_ns);

#define DAY_NS ((int64_t)86400 * 1000000000)

static int64_t day_of(int64_t wall_ns)
{
    return wall_ns / DAY_NS;
}

/* Weeks begin on Monday; 1970-01-01 was a Thursday. */
static int64_t week_of(int64_t wall_ns)
{
    return (day_of(wall_ns) + 3) / 7;
}

static int64_t month_of(int64_t wall_ns)
{
    time_t seconds = wall_ns / 1000000000;
    struct tm tm = {0};

    gmtime_r(&seconds, &tm);
    return (int64_t)tm.tm_year * 12 + tm.tm_mon;
}

static int64_t instant_of(int64_t wall_ns)
{
    return wall_ns;
}

static bool same_environment(const struct tagged *a, const struct tagged *b)
{
    return strcmp(a->environment, b->environment) == 0;
}

/* Walks the bundles of one environment, from the newest on, and keeps the first of each period. */
static void keep_periods(period_of period, uint64_t wanted, const struct tagged *all, size_t from,
                         size_t count, bool *keep)
{
    int64_t before = INT64_MIN;

    for (size_t i = from; i < count && wanted; i++) {
        int64_t at = 0;

        if (!same_environment(&all[i], &all[from]) || !clock_parse_iso(all[i].created, &at))
            continue;
        if (period != instant_of && period(at) == before)
            continue;
        before = period(at);
        keep[i] = true;
        wanted--;
    }
}

void gc_choose(const struct gc_rules *rules, const struct tagged *all, size_t count, bool *keep)
{
    bool none = !rules->last && !rules->daily && !rules->weekly && !rules->monthly;

    for (size_t i = 0; i < count; i++) {
        int64_t at = 0;
        bool first = true;

        /* What cannot be dated is nobody's to judge. */
        if (none || !clock_parse_iso(all[i].created, &at))
            keep[i] = true;
        for (size_t k = 0; k < i && first; k++)
            first = !same_environment(&all[k], &all[i]);
        if (none || !first)
            continue;
        keep_periods(instant_of, rules->last, all, i, count, keep);
        keep_periods(day_of, rules->daily, all, i, count, keep);
        keep_periods(week_of, rules->weekly, all, i, count, keep);
        keep_periods(month_of, rules->monthly, all, i, count, keep);
    }
}
