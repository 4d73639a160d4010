#include "replay/compare.h"

#include "lib/base/log.h"
#include "replay/answers.h"
#include "replay/groups.h"
#include "replay/latency.h"

struct sides {
    struct answers *old_side, *new_side, *noise;
};

static void auto_sides(struct sides *s)
{
    answers_free(s->old_side);
    answers_free(s->new_side);
    answers_free(s->noise);
}

#define NUM(name, value) f_num(name, (int64_t)(value))

bool compare_run(const struct compare_conf *conf, struct events *events, struct err *err)
{
    AUTO(sides) struct sides s = {0};
    AUTO(groups) struct groups *noise = NULL;
    AUTO(groups) struct groups *found = NULL;

    if (!answers_load(conf->old_path, &s.old_side, err) ||
        !answers_load(conf->new_path, &s.new_side, err) ||
        (conf->noise_path && !answers_load(conf->noise_path, &s.noise, err)))
        return false;
    if (s.noise &&
        (!groups_new(&noise, err) || !groups_compare(noise, s.old_side, s.noise, NULL, err) ||
         !groups_tell_noise(noise, events, err)))
        return false;
    if (!groups_new(&found, err) || !groups_compare(found, s.old_side, s.new_side, noise, err) ||
        !groups_tell(found, conf->old_path, events, err) ||
        !latency_compare(s.old_side, s.new_side, s.noise, events, err))
        return false;
    struct groups_totals t = groups_totals(found);
    if (t.compared == 0)
        log_warn("nothing could be compared", f_str("old", conf->old_path),
                 f_str("new", conf->new_path));
    return EVENT(events, err, "replay.compare", f_str("against", conf->old_path),
                 NUM("compared", t.compared), NUM("differing", t.differing), NUM("noisy", t.noisy),
                 NUM("missing", t.missing), NUM("groups", t.groups),
                 NUM("noise", noise ? groups_totals(noise).groups : 0));
}
