/* What the shop's people, articles and reviews are made of. Several languages and scripts, and
 * characters that break careless tools: quotes, backslashes, tabs, emoji, combining marks. */
#ifndef TESTS_SHOP_COMMON_WORDS_H
#define TESTS_SHOP_COMMON_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct words {
    const char *const *at;
    size_t count;
};

extern const struct words first_names, last_names, streets, brand_names, materials, things,
    selling_points, suppliers, customer_notes, search_words;

struct place {
    const char *country, *city;
};
extern const struct place places[];
extern const size_t places_count;

struct country {
    const char *code;
    double tax, shipping, free_from;
};
extern const struct country countries[];
extern const size_t countries_count;

struct category {
    const char *slug, *name;
    int parent; /* 0: top */
};
extern const struct category categories[];
extern const size_t categories_count;

struct sentence {
    const char *language;
    const char *text;
};
extern const struct sentence sentences[];
extern const size_t sentences_count;

/* The customer of number n, 1 ..: the generator writes it, the traffic driver logs in with it. */
void customer_email(uint64_t n, char *out, size_t size);
void customer_password(uint64_t n, char *out, size_t size);

static inline const char *word(const struct words *list, uint64_t n)
{
    return list->at[n % list->count];
}

#endif
