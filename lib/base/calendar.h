/* Days of the Gregorian calendar, extended backwards, and their dates.
 *
 * Days are counted from 1970-01-01; year 0 is 1 BC. In the header because it is used for each value
 * of a column.
 * Source: the calendar of the era of 400 years that begins in March.
 */
#ifndef LIB_BASE_CALENDAR_H
#define LIB_BASE_CALENDAR_H

#include <stdint.h>

#define CALENDAR_ERA   146097 /* days of 400 years */
#define CALENDAR_EPOCH 719468 /* 1970-01-01, counted from 0000-03-01 */

struct calendar_date {
    int64_t year;
    unsigned month, day; /* from 1 */
};

static inline int64_t calendar_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * CALENDAR_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - CALENDAR_EPOCH;
}

static inline struct calendar_date calendar_date(int64_t days)
{
    int64_t z = days + CALENDAR_EPOCH;
    int64_t era = (z >= 0 ? z : z - (CALENDAR_ERA - 1)) / CALENDAR_ERA;
    unsigned of_era = (unsigned)(z - era * CALENDAR_ERA);
    unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
    unsigned month = (5 * of_year + 2) / 153; /* from March */

    return (struct calendar_date){.year = (int64_t)years + era * 400 + (month >= 10),
                                  .month = month < 10 ? month + 3 : month - 9,
                                  .day = of_year - (153 * month + 2) / 5 + 1};
}

#endif
