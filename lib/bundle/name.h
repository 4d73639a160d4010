/* Names of streams and tags. */
#ifndef LIB_BUNDLE_NAME_H
#define LIB_BUNDLE_NAME_H

#include "lib/base/span.h"

#define TAG_MAX 128

/* COMPONENT/NAME, of [A-Za-z0-9._%-] only. */
bool stream_name_ok(struct span name);
/* As registries want it: [A-Za-z0-9_][A-Za-z0-9._-]*, less than TAG_MAX characters. */
bool tag_ok(struct span tag);

#endif
