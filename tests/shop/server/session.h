/* Who is asking: the cookie `session`, random and known to the database by its hash only. */
#ifndef TESTS_SHOP_SERVER_SESSION_H
#define TESTS_SHOP_SERVER_SESSION_H

#include "tests/shop/server/web.h"

struct session {
    json_t *row;      /* owned; NULL: no session */
    const char *id;   /* key in the tables, not the cookie */
    int64_t customer; /* 0: not logged in */
    const char *country;
};

static inline void auto_session(struct session *s)
{
    json_decref(s->row);
}

/* No cookie, or one that is not known: s->row is NULL. */
bool session_find(struct request *r, struct session *s, struct err *err);
/* The same, but starts a session for who has none; the answer carries the cookie. */
bool session_need(struct request *r, struct session *s, struct err *err);

#endif
