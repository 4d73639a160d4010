/* The values of options, which also come from YAML and from the environment. */
#include "lib/base/clock.h"
#include "lib/base/opt.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = span_dup((struct span){(const char *)bytes, len});
    double seconds;
    uint64_t size;
    int64_t ns;
    char iso[ISO_TIME];

    if (!text)
        return 0;
    if (opt_seconds(text, &seconds) && !(seconds >= 0 && isfinite(seconds)))
        abort();
    opt_bytes(text, &size);
    if (clock_parse_iso(text, &ns)) {
        int64_t again;
        if (!clock_parse_iso(clock_iso(ns, iso), &again))
            abort();
    }
    opt_distance(span_of(text), SPAN("lock-timeout"));
    free(text);
    return 0;
}
