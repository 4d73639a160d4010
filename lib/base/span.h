/* A borrowed piece of memory: parsing never assumes a NUL at its end.
 * Ownership: none; whoever made the bytes keeps them alive. Errors: none. */
#ifndef LIB_BASE_SPAN_H
#define LIB_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *at; /* NULL: absent (SQL NULL, missing header) */
    size_t len;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_of(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

bool span_eq(struct span a, struct span b);
bool span_is(struct span a, const char *s);
bool span_is_nocase(struct span a, const char *s); /* ASCII only */
bool span_starts(struct span a, const char *prefix);
bool span_ends(struct span a, const char *suffix);
int span_cmp(struct span a, struct span b); /* memcmp order, then length */
struct span span_trim(struct span a);       /* ASCII white space at both ends */
/* Takes what stands before `sep` off the front of *rest; the whole rest when there is none.
 * Returns false once *rest is exhausted (at == NULL). An empty last field is given. */
bool span_split(struct span *rest, char sep, struct span *field);
bool span_u64(struct span a, uint64_t *out); /* decimal, whole span, no sign, no overflow */
bool span_i64(struct span a, int64_t *out);
char *span_dup(struct span a); /* heap, NUL-terminated; NULL without memory */
/* Bytes of the well-formed UTF-8 character in front; 0 when there is none. */
size_t span_utf8(struct span a);

#endif
