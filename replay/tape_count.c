#include "replay/tape_count.h"

#include "lib/base/field.h"
#include "lib/base/json.h"
#include "lib/base/vec.h"
#include "lib/wire/http_msg.h"
#include "replay/endpoint.h"
#include "replay/outcome.h"
#include "replay/table.h"

#define AHEAD 100000 /* a request's number above how many there were: a hostile tape says any */

struct one {
    uint64_t requests, errors;
    json_t *status; /* {"200": n} */
};

struct tape_count {
    struct endpoints *names;
    struct one all;
    struct one at[ENDPOINTS_MAX + 1];
    struct vec of_request; /* uint16_t by number: 1 + index of its endpoint, 0 unknown */
    uint64_t requests;
};

bool tape_count_new(struct tape_count **out, struct err *err)
{
    AUTO(tape_count) struct tape_count *t = calloc(1, sizeof(*t));

    if (!t)
        return err_memory(err);
    t->of_request = (struct vec)VEC(uint16_t);
    t->all.status = json_object();
    if (!t->all.status)
        return err_memory(err);
    if (!endpoints_new(&t->names, err))
        return false;
    *out = TAKE(t);
    return true;
}

void tape_count_free(struct tape_count *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < COUNT(t->at); i++)
        json_decref(t->at[i].status);
    json_decref(t->all.status);
    endpoints_free(t->names);
    vec_done(&t->of_request);
    free(t);
}

static bool count_status(struct one *e, uint16_t status, struct err *err)
{
    char key[8];

    if (!e->status && !(e->status = json_object()))
        return err_memory(err);
    snprintf(key, sizeof(key), "%u", status);
    json_int_t n = json_integer_value(json_object_get(e->status, key));
    return json_object_set_new(e->status, key, json_integer(n + 1)) == 0 || err_memory(err);
}

static bool remember(struct tape_count *t, uint64_t request, size_t endpoint, struct err *err)
{
    if (request > t->requests + AHEAD)
        return true;
    while (t->of_request.count <= request)
        if (!vec_add(&t->of_request, err))
            return false;
    ((uint16_t *)t->of_request.at)[request] = (uint16_t)(endpoint + 1);
    return true;
}

static bool add_request(struct tape_count *t, struct span line, size_t *endpoint, struct err *err)
{
    if (!endpoints_index(t->names, line, endpoint, err))
        return false;
    t->at[*endpoint].requests++;
    t->requests++;
    return true;
}

static bool add_result(struct tape_count *t, const struct tape_record *r, struct err *err)
{
    size_t i = 0;

    if (!add_request(t, r->text, &i, err))
        return false;
    if (r->code == OUTCOME_ANSWERED)
        return count_status(&t->at[i], r->status, err) && count_status(&t->all, r->status, err);
    if (r->code == OUTCOME_NONE || r->code == OUTCOME_SKIPPED)
        return true;
    t->at[i].errors++;
    t->all.errors++;
    return true;
}

bool tape_count_add(struct tape_count *t, const struct tape_record *r, struct err *err)
{
    size_t i = 0;

    if (r->type == TAPE_RESULT)
        return add_result(t, r, err);
    if (r->type == TAPE_REQUEST)
        return add_request(t, http_start_line(r->head), &i, err) && remember(t, r->request, i, err);
    if (!count_status(&t->all, r->status, err))
        return false;
    uint16_t known =
        r->request < t->of_request.count ? ((uint16_t *)t->of_request.at)[r->request] : 0;
    return !known || count_status(&t->at[known - 1], r->status, err);
}

json_t *tape_count_endpoints(const struct tape_count *t)
{
    AUTO(json) json_t *all = json_array();

    for (size_t i = 0; i < endpoints_count(t->names); i++) {
        const struct one *e = &t->at[i];
        AUTO(json)
        json_t *o = fields_json(
            FIELDS(f_str("event", "endpoint"), f_str("endpoint", endpoints_name(t->names, i)),
                   f_num("requests", (int64_t)e->requests), f_num("errors", (int64_t)e->errors),
                   f_json("status", e->status)));
        if (!o || json_array_append(all, o) != 0)
            return NULL;
    }
    json_t *sorted = table_pick(all, "endpoint", "requests"), *row = NULL;
    size_t i = 0;
    json_array_foreach(sorted, i, row) json_object_del(row, "event");
    return sorted;
}

json_t *tape_count_status(struct tape_count *t)
{
    return t->all.status;
}

uint64_t tape_count_errors(const struct tape_count *t)
{
    return t->all.errors;
}
