#include "lib/store/name.h"

#include "lib/base/auto.h"
#include "lib/base/hash.h"
#include "lib/store/swap_lock.h"

static bool is_tmp(struct span name)
{
    if (!span_starts(name, STORE_TMP))
        return false;

    struct span rest = {name.at + strlen(STORE_TMP), name.len - strlen(STORE_TMP)};
    return rest.len > 0 && rest.len < 100 && rest.at[0] != '.' && !memchr(rest.at, '/', rest.len);
}

static bool is_blob(struct span name)
{
    if (!span_starts(name, STORE_BLOBS))
        return false;

    struct digest digest;
    struct span hex = {name.at + strlen(STORE_BLOBS), name.len - strlen(STORE_BLOBS)};
    return digest_parse(hex, &digest);
}

void store_entry_seen(struct store_entries *e, struct span entry)
{
    static const char *const ours[] = {"blobs", "tmp", STORE_LOCK, SWAP_LOCK, STORE_INDEX};
    bool known = false;

    for (size_t i = 0; i < COUNT(ours); i++)
        known = known || span_is(entry, ours[i]);
    e->any = true;
    e->blobs = e->blobs || span_is(entry, ours[0]);
    e->foreign = e->foreign || !known;
}

bool store_may_be_made(const struct store_entries *e)
{
    return !e->any || (e->blobs && !e->foreign);
}

bool store_name_check(const char *text, struct err *err)
{
    struct span name = span_of(text);

    if (span_is(name, STORE_LAYOUT) || span_is(name, STORE_INDEX) || is_blob(name) || is_tmp(name))
        return true;
    return err_set(err, ERR_DAMAGED, "'%s' is no name of an object in a store", text);
}
