/* Any bytes as a line of SHOW GRANTS or SHOW CREATE USER: refused, or taken apart into pieces that lie
 * inside the text; a grant that is written again says the same, and an account without its hash is one
 * that has none. */
#include "lib/sql/my_grant.h"

#include <stdlib.h>

#include "lib/base/auto.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void inside(struct span text, struct span piece)
{
    must(!piece.at || !piece.len ||
         (piece.at >= text.at && piece.at + piece.len <= text.at + text.len));
}

static void as_grant(struct span text)
{
    struct buf text_again = {0}, first = {0}, second = {0}, user = {0}, host = {0};
    struct my_grant g, again;

    if (!my_grant_parse(text, &g))
        return;
    const struct span pieces[] = {g.what, g.kind, g.database, g.object, g.to};
    for (size_t i = 0; i < COUNT(pieces); i++)
        inside(text, pieces[i]);
    must(my_account_names(g.to, &user, &host) && user.len + host.len <= text.len);
    must(my_grant_write(&g, &text_again) && my_grant_parse(buf_view(&text_again), &again));
    const struct span pieces_again[] = {again.kind, again.database, again.object, again.to};
    for (size_t i = 0; i < COUNT(pieces_again); i++)
        must(span_eq(pieces_again[i], pieces[i + 1]));
    must(again.scope == g.scope && again.option == g.option && my_grant_rights(&g, &first) &&
         my_grant_rights(&again, &second) && span_eq(buf_view(&first), buf_view(&second)));
    buf_done(&text_again);
    buf_done(&first);
    buf_done(&second);
    buf_done(&user);
    buf_done(&host);
}

static void as_user(struct span text)
{
    struct buf without = {0}, twice = {0};
    struct my_user u, again;
    bool had = false;

    if (!my_user_parse(text, &u))
        return;
    inside(text, u.name);
    inside(text, u.auth);
    inside(text, u.password);
    must(my_user_without_hash(&u, &without, &had));
    if (my_user_parse(buf_view(&without), &again))
        must(my_user_without_hash(&again, &twice, &had));
    buf_done(&without);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span text = {(const char *)bytes, len};

    my_like(text, text);
    as_grant(text);
    as_user(text);
    return 0;
}
