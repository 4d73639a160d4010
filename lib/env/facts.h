/* Host facts: what a release may silently depend on.
 *
 * facts_host(): {"kernel":..,"machine":..,"hostname":..,"os":{..},"cpus":n,"memory_bytes":n,
 *   "locale":{..},"timezone":..,"glibc":..,"limits":{..},"mounts":[..]}
 * facts_packages(): {"dpkg": {"libc6:amd64":"2.36-9", ...}, "unknown":{}} (rpm and apk where they are).
 * New references. A fact that cannot be read is null, with the reason under "unknown".
 */
#ifndef LIB_ENV_FACTS_H
#define LIB_ENV_FACTS_H

#include "lib/base/err.h"

#include <jansson.h>

bool facts_host(json_t **out, struct err *err);
bool facts_packages(json_t **out, struct err *err);

#endif
