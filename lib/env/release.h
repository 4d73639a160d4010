/* The release file: what is to be rehearsed, on what, and how it is judged.
 *
 *   release: "2"
 *   environment: ../production.yaml
 *   bundle: {store: /var/lib/rehearse/store, ref: latest}
 *   box: /var/lib/rehearse/boxes/shop     # rebuilt by the run
 *   restore: {verify: true}               # and compared with the bundle, to the bit
 *   tape: /var/lib/rehearse/monday.tape
 *   config: [{from: config, to: config}]  # laid over files tree `to` of the box
 *   migrations:
 *     - {database: shop, dir: migrations/postgresql}
 *   code: [{from: code, to: code}]
 *   data:
 *     - {database: catalog, dir: data}    # data scripts, after migrations and code
 *   smoke: [{url: "http://127.0.0.1:${port.web}/", status: 200, contains: "Shop"}]
 *   replay: {speed: 1.0, baselines: 2, confirm: true, timeout_s: 30}
 *   judge:                                # every key has a default, see docs/verdict.md
 *     latency_ratio: 1.5
 *     latency_min_ms: 10
 *     lateness_p99_ms: 50
 *     min_requests: 20
 *     lock_budget_s: 5
 *     statement_budget_s: 600
 *     error_share: 0
 *     accept:                             # intended, with the reason that the report prints
 *       - {rule: response-changed, subject: "GET /api/articles $.rating", reason: "new field"}
 *
 * Relative paths are taken from the folder of the file. Ownership and errors as in env.h.
 */
#ifndef LIB_ENV_RELEASE_H
#define LIB_ENV_RELEASE_H

#include "lib/env/env.h"

struct release_overlay {
    char *from, *to;
};
struct release_scripts {
    char *database; /* name in the environment file */
    char *dir;
};
struct release_smoke {
    char *url;
    uint16_t status; /* 0: 200 */
    char *contains;  /* NULL: any body */
};
struct release_accept {
    char *rule, *subject, *reason; /* subject may end in '*' */
};
struct release_judge {
    double latency_ratio, latency_min_ms, lateness_p99_ms, lock_budget_s, statement_budget_s;
    double error_share;    /* of requests that may newly fail: 0 */
    uint32_t min_requests; /* fewer replayed requests: INCONCLUSIVE */
    struct release_accept *accept;
    unsigned accept_count;
};
struct release_restore {
    bool verify; /* all of it is read again and compared with the bundle */
};
struct release_replay {
    double speed;
    uint32_t baselines; /* 1 or 2 */
    bool confirm;       /* what seems slower is replayed a second time */
    double timeout_s;   /* of one request */
};

struct release {
    char *path;
    char *release;
    char *environment; /* absolute */
    char *store, *ref; /* bundle */
    char *box;
    char *tape;
    struct release_overlay *config, *code;
    unsigned config_count, code_count;
    struct release_scripts *migrations, *data;
    unsigned migrations_count, data_count;
    struct release_smoke *smoke;
    unsigned smoke_count;
    struct release_restore restore;
    struct release_replay replay;
    struct release_judge judge;
};

bool release_load(const char *path, struct release **out, struct err *err);
/* What the release names must be there: databases of migrations and data, trees of overlays. The
 * file is read again to name the line. */
bool release_check(const struct release *r, const struct env *env, struct err *err);
void release_free(struct release *r);
/* Every database, file tree and variable that the release names is in the environment; ERR_CONFIG. */
bool release_check(const struct release *r, const struct env *env, struct err *err);
AUTO_PTR(release, struct release, release_free)

#endif
