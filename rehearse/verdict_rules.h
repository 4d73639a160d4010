/* What the rules share: looking at events and noting reasons. Private to the verdict. */
#ifndef REHEARSE_VERDICT_RULES_H
#define REHEARSE_VERDICT_RULES_H

#include "rehearse/verdict.h"

#define RULE_SLOWER "slower"

struct judge {
    const json_t *events;
    const struct release_judge *policy;
    struct verdict_result *out;
    struct err *err;
};

/* Notes a reason; `subject` is copied. False without memory. */
bool judge_note(struct judge *j, const char *rule, enum severity severity, const char *subject,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Members of an event, with a default when absent or of another type. */
const char *event_str(const json_t *event, const char *key);
double event_num(const json_t *event, const char *key);
bool event_true(const json_t *event, const char *key);
bool event_is(const json_t *event, const char *name);

/* A rule looks at one event, or once at all of them (event NULL). */
struct judge_rule {
    struct verdict_rule about;
    const char *event; /* NULL: called once */
    bool (*look)(struct judge *j, const char *rule, const json_t *event);
};
extern const struct judge_rule judge_rules[];
extern const size_t judge_rules_count;

#endif
