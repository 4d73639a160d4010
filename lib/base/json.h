/* Small helpers on jansson: reading a document of known shape with errors that name the place. */
#ifndef LIB_BASE_JSON_H
#define LIB_BASE_JSON_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#include <jansson.h>

static inline void auto_json(json_t **j)
{
    json_decref(*j);
}

/* Depth and duplicate keys are bounded by jansson (JSON_REJECT_DUPLICATES). `what` names the
 * document in the error (ERR_DAMAGED). New reference in *out. */
bool json_parse(struct span text, const char *what, json_t **out, struct err *err);
/* For json_dumps: a measured real with nine digits. Seventeen, jansson's own choice, tell of 842.123
 * that it is 842.12300000000005. */
#define JSON_REALS JSON_REAL_PRECISION(9)
/* Compact, keys sorted: the same value gives the same bytes. Heap; NULL without memory. */
char *json_text(const json_t *value);
char *json_pretty(const json_t *value);
/* A member of the wanted type, or ERR_DAMAGED "'created' is missing" (err_add() the document's
 * name). Borrowed. */
bool json_want_str(const json_t *o, const char *key, const char **out, struct err *err);
bool json_want_u64(const json_t *o, const char *key, uint64_t *out, struct err *err);
bool json_want_obj(const json_t *o, const char *key, json_t **out, struct err *err);
bool json_want_arr(const json_t *o, const char *key, json_t **out, struct err *err);
/* A string of any bytes: UTF-8 stays, other bytes become %NN (so do % and zero bytes). */
json_t *json_bytes(struct span s);
/* The same for people, where a % is one: what it was is not known for sure any more. */
json_t *json_words(struct span s);
/* The bytes again; heap, with a NUL behind them, NULL without memory. `len` may be NULL. A % that
 * starts no %NN stands for itself. */
char *json_bytes_back(const char *text, size_t *len);

#endif
