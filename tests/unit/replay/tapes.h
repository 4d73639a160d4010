/* Tapes for tests: made record by record, in a folder of the test's own. */
#ifndef TESTS_UNIT_REPLAY_TAPES_H
#define TESTS_UNIT_REPLAY_TAPES_H

#include "lib/base/buf.h"
#include "replay/tape_file.h"

static char tapes_dir[64];
static struct buf tapes_path_text;

static inline const char *tapes_path(const char *name)
{
    if (!tapes_dir[0]) {
        snprintf(tapes_dir, sizeof(tapes_dir), "/tmp/rehearse-unit-XXXXXX");
        if (!mkdtemp(tapes_dir))
            abort();
    }
    buf_clear(&tapes_path_text);
    buf_printf(&tapes_path_text, "%s/%s", tapes_dir, name);
    return buf_str(&tapes_path_text);
}

/* Removes one tape, and the folder when it is empty. */
static inline void tapes_remove(const char *name)
{
    unlink(tapes_path(name));
    if (rmdir(tapes_dir) == 0) {
        tapes_dir[0] = '\0';
        buf_done(&tapes_path_text);
    }
}

struct tape_making {
    struct tape_out *out;
    struct buf records;
};

static inline void tape_begin(struct tape_making *t, const char *name, enum tape_content content)
{
    *t = (struct tape_making){0};
    if (!tape_out_open(tapes_path(name), content, &t->out, NULL))
        abort();
}

static inline void tape_add(struct tape_making *t, struct tape_record r)
{
    if (!tape_pack(&t->records, &r, NULL))
        abort();
}

static inline void tape_end(struct tape_making *t)
{
    if (!tape_out_put(t->out, &t->records, true, NULL) || !tape_out_finish(t->out, NULL))
        abort();
    tape_out_close(t->out);
    buf_done(&t->records);
}

static inline struct tape_record record_meta(void)
{
    return (struct tape_record){.type = TAPE_META, .text = SPAN("{\"host\":\"elsewhere\"}")};
}

static inline struct tape_record record_open(uint64_t conn, uint16_t port)
{
    return (struct tape_record){.type = TAPE_OPEN,
                                .conn = conn,
                                .client = {.family = 4, .ip = {127, 0, 0, 1}, .port = 40000},
                                .server = {.family = 4, .ip = {127, 0, 0, 1}, .port = port}};
}

static inline struct tape_record record_request(uint64_t conn, uint64_t number, int64_t at_ns,
                                                const char *head)
{
    return (struct tape_record){.type = TAPE_REQUEST,
                                .conn = conn,
                                .request = number,
                                .at_ns = at_ns,
                                .last_ns = at_ns,
                                .head = span_of(head)};
}

static inline struct tape_record record_response(uint64_t conn, uint64_t number, int64_t last_ns,
                                                 const char *head, const char *body)
{
    return (struct tape_record){.type = TAPE_RESPONSE,
                                .conn = conn,
                                .request = number,
                                .at_ns = last_ns,
                                .last_ns = last_ns,
                                .status = 200,
                                .bytes = strlen(body),
                                .head = span_of(head),
                                .body = span_of(body)};
}

#endif
