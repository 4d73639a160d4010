/* What a request is about: method and path, with what looks like an id written as {}. */
#ifndef REPLAY_ENDPOINT_H
#define REPLAY_ENDPOINT_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#define ENDPOINT_MAX  200  /* bytes of a name; the rest is cut */
#define ENDPOINTS_MAX 1000 /* further ones are counted together */

/* "GET /api/articles/17?page=2 HTTP/1.1" -> "GET /api/articles/{}". Bytes that are no printable
 * ASCII become '?'. Returns out. */
const char *endpoint_name(struct span request_line, char out[ENDPOINT_MAX]);

/* Names to indexes 0, 1, ... */
struct endpoints;
bool endpoints_new(struct endpoints **out, struct err *err);
void endpoints_free(struct endpoints *e);
AUTO_PTR(endpoints, struct endpoints, endpoints_free)
bool endpoints_index(struct endpoints *e, struct span request_line, size_t *out, struct err *err);
const char *endpoints_name(const struct endpoints *e, size_t i);
size_t endpoints_count(const struct endpoints *e);

#endif
