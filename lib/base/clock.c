#include "lib/base/clock.h"

#include "lib/base/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
/* A signal interrupts one thread only; the others notice the stop flag this late at most. */
#define SLICE_NS (50 * NS_PER_MS)

static int64_t now(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    return now(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
    return now(CLOCK_MONOTONIC);
}

bool clock_sleep_until(int64_t mono_ns)
{
    while (!cmd_stopping()) {
        int64_t at = clock_mono_ns();
        if (at >= mono_ns)
            return true;
        int64_t until = mono_ns - at > SLICE_NS ? at + SLICE_NS : mono_ns;
        struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    return false;
}

const char *clock_iso(int64_t wall_ns, char out[ISO_TIME])
{
    int64_t s = wall_ns / NS_PER_S, rest = wall_ns % NS_PER_S;
    struct tm tm;

    if (rest < 0) {
        s--;
        rest += NS_PER_S;
    }
    time_t t = (time_t)s;
    gmtime_r(&t, &tm);
    size_t len = strftime(out, ISO_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, ISO_TIME - len, ".%03dZ", (int)(rest / NS_PER_MS));
    return out;
}

/* Digits behind the dot as nanoseconds; further ones are cut. */
static bool parse_fraction(const char **text, int64_t *ns)
{
    int64_t unit = NS_PER_S / 10;

    *ns = 0;
    if (**text != '.')
        return true;
    const char *s = *text + 1;
    if (*s < '0' || *s > '9')
        return false;
    for (; *s >= '0' && *s <= '9'; s++, unit /= 10)
        *ns += (*s - '0') * unit;
    *text = s;
    return true;
}

/* Seconds east of UTC: Z, +01:00 or -0530. */
static bool parse_zone(const char *s, int *east)
{
    int hours, minutes, used = 0;

    if (strcmp(s, "Z") == 0) {
        *east = 0;
        return true;
    }
    if (*s != '+' && *s != '-')
        return false;
    if (sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 &&
        sscanf(s + 1, "%2d%2d%n", &hours, &minutes, &used) != 2)
        return false;
    if (s[1 + used] || hours > 14 || minutes > 59)
        return false;
    *east = (hours * 60 + minutes) * (*s == '-' ? -60 : 60);
    return true;
}

bool clock_parse_iso(const char *text, int64_t *wall_ns)
{
    struct tm tm = {0};
    int64_t fraction;
    int east;

    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || !parse_fraction(&rest, &fraction) || !parse_zone(rest, &east))
        return false;
    /* 64 bits of nanoseconds reach from 1677 to 2262. */
    int64_t seconds = timegm(&tm) - east;
    if (seconds < -INT64_MAX / NS_PER_S || seconds >= INT64_MAX / NS_PER_S)
        return false;
    *wall_ns = seconds * NS_PER_S + fraction;
    return true;
}

const char *human_time(int64_t ns, char out[ISO_TIME])
{
    int64_t s = (ns + NS_PER_S / 2) / NS_PER_S;

    if (ns < NS_PER_S)
        snprintf(out, ISO_TIME, "%" PRId64 " ms", ns / NS_PER_MS);
    else if (ns < 10 * NS_PER_S)
        snprintf(out, ISO_TIME, "%.1f s", (double)ns / (double)NS_PER_S);
    else if (s < 60)
        snprintf(out, ISO_TIME, "%" PRId64 " s", s);
    else if (s < 3600)
        snprintf(out, ISO_TIME, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    else
        snprintf(out, ISO_TIME, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    return out;
}

const char *human_bytes(uint64_t bytes, char out[ISO_TIME])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double n = (double)bytes;
    size_t unit = 0;

    /* 999.95 is where one digit behind the dot would print 1000.0. */
    for (; n >= 999.95; unit++)
        n /= 1000;
    snprintf(out, ISO_TIME, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
    return out;
}

const char *human_count(uint64_t n, char out[ISO_TIME])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    char *to = out;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return out;
}
