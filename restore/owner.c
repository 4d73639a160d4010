#include "restore/owner.h"

static struct span old_of(const char *entry)
{
    return (struct span){entry, strcspn(entry, "=")};
}

const char *owner_new(const struct opt_list *owners, struct span old)
{
    for (size_t i = 0; owners && i < owners->count; i++)
        if (span_eq(old_of(owners->at[i]), old))
            return owners->at[i] + old.len + 1;
    return NULL;
}

bool owner_check(const struct opt_list *owners, struct err *err)
{
    for (size_t i = 0; i < owners->count; i++) {
        struct span old = old_of(owners->at[i]);
        bool whole = old.len && owners->at[i][old.len] == '=' && owners->at[i][old.len + 1];

        if (!whole) {
            err_set(err, ERR_USAGE, "--owner '%s' is not OLD=NEW", owners->at[i]);
            return err_hint(err, "--owner shop=staging");
        }
        if (owner_new(owners, old) != owners->at[i] + old.len + 1)
            return err_set(err, ERR_USAGE, "--owner gives '%.*s' twice", (int)old.len, old.at);
    }
    return true;
}
