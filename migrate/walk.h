/* A walk over the tokens of a statement that knows how deep in parentheses it is.
 * Pure; spans are borrowed. Threads: any. Errors: none. */
#ifndef MIGRATE_WALK_H
#define MIGRATE_WALK_H

#include "lib/sql/split.h"

struct walk {
    enum sql_dialect dialect;
    struct span rest, token;
    enum sql_token kind;
    unsigned depth; /* behind the token: a closing one counts as outside */
};

struct walk walk_start(enum sql_dialect dialect, struct span text);
bool walk_next(struct walk *w);
bool walk_is(const struct walk *w, const char *word); /* not quoted */
bool walk_is_punct(const struct walk *w, const char *mark);
bool walk_in(const struct walk *w, const char *const *words, size_t count);
/* Anywhere in the text. */
bool walk_finds(enum sql_dialect dialect, struct span text, const char *word);

bool walk_starts_any(enum sql_dialect dialect, struct span text, const char *const *starts,
                     size_t count);
#define WALK_STARTS(dialect, text, ...)                                \
    walk_starts_any(dialect, text, (const char *const[]){__VA_ARGS__}, \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#endif
