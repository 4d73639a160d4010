/* Pages from templates: a small part of Mustache (mustache(5)).
 *
 *   {{name}}            the value, escaped for HTML        {{{name}}}   as it is
 *   {{#name}}..{{/name}} once per item of an array, once for an object or any other value that is
 *                       neither null, false nor an empty array
 *   {{^name}}..{{/name}} when the above would show nothing
 *   {{>name}}           another template                   {{.}}        the item itself
 * Names are looked up in the item, then outwards. Texts are read once, at the start; after that
 * they are read-only and any thread may render.
 */
#ifndef TESTS_SHOP_SERVER_TEMPLATE_H
#define TESTS_SHOP_SERVER_TEMPLATE_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"

#include <jansson.h>

struct texts;
/* Every file of a folder, by name. */
bool texts_load(const char *dir, struct texts **out, struct err *err);
void texts_free(struct texts *t);
AUTO_PTR(texts, struct texts, texts_free)
/* at == NULL: no text of that name. */
struct span texts_find(const struct texts *t, const char *name);

bool template_render(const struct texts *t, const char *name, const json_t *context,
                     struct buf *out, struct err *err);

#endif
