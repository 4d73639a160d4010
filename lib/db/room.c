#include "lib/db/room.h"

static const char pg_sql[] =
#include "lib/db/pg_room.sql.h"
    ;
static const char my_sql[] =
#include "lib/db/my_room.sql.h"
    ;

static bool take_limit(void *ctx, const struct db_row *row, struct err *err)
{
    struct db_room *narrowest = ctx, r = {0};

    (void)err;
    if (!row->value[0].at || !row->value[1].at || !span_u64(row->value[0], &r.limit) ||
        !span_u64(row->value[1], &r.used))
        return true;
    r.free = r.limit > r.used ? r.limit - r.used : 0;
    snprintf(r.setting, sizeof(r.setting), "%.*s", (int)row->value[2].len,
             row->value[2].at ? row->value[2].at : "");
    if (!*narrowest->setting || r.free < narrowest->free)
        *narrowest = r;
    return true;
}

bool db_room_read(struct db *db, struct db_room *out, struct err *err)
{
    struct db_room room = {.free = UINT64_MAX};
    bool postgresql = db->ops == &db_postgresql;
    struct err refused = {0};

    /* MySQL keeps its counters elsewhere: there the server says itself when it has no room. */
    if (!db->is_mysql &&
        !db_rows(db, take_limit, &room, &refused, "%s", postgresql ? pg_sql : my_sql) &&
        refused.code != ERR_RIGHTS)
        return err_pass(err, &refused);
    *out = room;
    return true;
}

bool db_room_check(const struct db_room *room, const struct db *db, uint64_t needed,
                   const char *what, struct err *err)
{
    if (room->free >= needed)
        return true;
    err_set(err, ERR_UNREACHABLE, "%s: %s needs %llu sessions, and %llu are free", db->label, what,
            (unsigned long long)needed, (unsigned long long)room->free);
    return err_hint(err, "raise %s (it is %llu, %llu are in use), or use fewer --jobs",
                    room->setting, (unsigned long long)room->limit, (unsigned long long)room->used);
}
