/* Recorded values in the parts of a request, replaced by those of the replay. Everything else is
 * copied as it is, byte for byte. `s` NULL or empty: all is copied. Failures stay in `out`. */
#ifndef REPLAY_REPLACE_H
#define REPLAY_REPLACE_H

#include "replay/session.h"

/* Path and query: "/orders/17?article_id=3". */
void replace_target(struct session *s, struct span target, struct buf *out);
/* Parameters as in a query or a form; `noun` is meant by a plain `id`. */
void replace_parameters(struct session *s, struct span text, const char *noun, struct buf *out);
void replace_cookies(struct session *s, struct span value, struct buf *out);
/* Whole words that are tokens. */
void replace_words(struct session *s, struct span text, struct buf *out);
/* Strings and numbers of JSON by their keys; `noun` is meant by an `id` at the top. */
void replace_json(struct session *s, struct span text, const char *noun, struct buf *out);
/* By content type; other types are copied. */
void replace_body(struct session *s, struct span type, struct span target, struct span body,
                  struct buf *out);

#endif
