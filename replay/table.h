/* Tables for people, from JSON objects; and bytes from outside made safe for a terminal.
 *
 * The first column is as wide as what stands in it, within bounds; what is longer is cut. Text
 * elsewhere belongs into the last column.
 * Errors: none; what is missing in a row is an empty cell.
 */
#ifndef REPLAY_TABLE_H
#define REPLAY_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "lib/base/span.h"

struct column {
    const char *title, *field;
    enum {
        COLUMN_TEXT,
        COLUMN_COUNT,
        COLUMN_MILLIS, /* the field counts microseconds */
        COLUMN_RATIO,
        COLUMN_STATUS /* {"200": 7, "404": 1} */
    } form;
};

/* At most `most` rows of the array, then how many there are more. */
void table_print(const json_t *rows, size_t most, const struct column *columns, size_t count);
/* The objects of `events` whose "event" is that one, largest `by` first. New; NULL without memory.
 */
json_t *table_pick(const json_t *events, const char *event, const char *by);
/* At most `most` bytes of it, what is cut as "...", and control characters (those above ASCII
 * included) and bytes that are not UTF-8 as \xNN. */
void table_safe(struct span text, size_t most);

#endif
