#include "replay/outcome.h"

#include "lib/base/auto.h"

const char *outcome_name(enum outcome_code code)
{
    static const char *const names[] = {"not replayed", "answered", "no connection", "timeout",
                                        "closed",       "not HTTP", "skipped"};

    return (size_t)code < COUNT(names) ? names[code] : "?";
}
