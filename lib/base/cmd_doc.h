/* Help for more than one command: for cmd.c alone. */
#ifndef LIB_BASE_CMD_DOC_H
#define LIB_BASE_CMD_DOC_H

#include "lib/base/cmd.h"

void doc_overview(const struct cmd *const *table, const char *about, FILE *to);
void doc_group(const struct cmd *const *table, const char *group, FILE *to);
void doc_man_overview(const struct cmd *const *table, const char *about, FILE *to);
/* The default of an option as a user would write it; "" when there is none to speak of. */
const char *doc_default(const struct opt *o, const void *defaults, char *out, size_t size);
/* A flag that is set unless --no-NAME is given. */
bool doc_is_on(const struct opt *o, const void *defaults);

#endif
