/* Memory that runs out and disks that fail, at every call in turn. */
#include "tests/test.h"

#include "lib/base/fd.h"
#include "lib/base/field.h"
#include "lib/base/json.h"
#include "lib/base/proc.h"
#include "lib/base/queue.h"
#include "lib/base/sched.h"
#include "tests/fake/fault.h"
#include "tests/fake/scratch.h"

#include <errno.h>

#define CALLS_MAX 10000

static bool count_name(void *ctx, const char *name, struct err *err)
{
    (void)name;
    (void)err;
    ++*(unsigned *)ctx;
    return true;
}

/* Either the old file or the new one, and nothing beside it, wherever the disk fails. */
TEST(replacing_a_file_is_whole_or_nothing)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    bool done = false;

    scratch_open(&dir);
    scratch_write(&dir, "f", SPAN("old"));
    for (unsigned n = 1; !done && n < CALLS_MAX; n++) {
        unsigned files = 0;
        AUTO(buf) struct buf text = {0};
        err = (struct err){0};
        fault_io(n, ENOSPC);
        done = file_replace(scratch_path(&dir, "f"), SPAN("new text"), 0600, &err);
        fault_off();
        if (!done)
            assert_int_equal(err.code, ERR_SPACE);
        assert_ok(file_read(dir.name, 100, &text, &err), &err);
        assert_true(span_is(buf_view(&text), "old") || span_is(buf_view(&text), "new text"));
        assert_ok(dir_each(dir.path, count_name, &files, &err), &err);
        assert_int_equal(files, 1);
    }
    assert_true(done);
}

static bool nothing(void *ctx, void *arg, unsigned worker, struct err *err)
{
    (void)ctx;
    (void)arg;
    (void)worker;
    (void)err;
    return true;
}

static void count_free(void *arg)
{
    ++*(int *)arg;
}

static bool use_sched(int *freed, int *made, struct err *err)
{
    AUTO(sched) struct sched *s = NULL;
    task_id first, second;
    struct task task = {.run = nothing,
                        .free_arg = count_free,
                        .arg = freed,
                        .name = "name",
                        .lane = "lane",
                        .max_same = 1};

    if (!sched_new(2, &s, err))
        return false;
    for (int i = 0; i < 12; i++) {
        ++*made;
        if (!sched_add(s, &task, NULL, 0, &first, err))
            return false;
        ++*made;
        if (!sched_add(s, &task, &first, 1, &second, err))
            return false;
    }
    return sched_run(s, err);
}

static bool use_texts(struct err *err)
{
    AUTO(queue) struct queue *q = NULL;
    AUTO(buf) struct buf b = {0};
    AUTO(free) char *path = path_join("a", "b");
    AUTO(json) json_t *o = fields_json(FIELDS(f_str("s", "x"), f_span("b", SPAN("\xff"))));
    AUTO(json) json_t *bytes = json_bytes(SPAN("\xff%"));
    AUTO(free) char *text = o ? json_text(o) : NULL;
    AUTO(free) char *back = bytes ? json_bytes_back(json_string_value(bytes), NULL) : NULL;

    buf_printf(&b, "%s", "text");
    return queue_new(8, &q, err) && buf_ok(&b, err) &&
           (path && text && back ? true : err_memory(err));
}

/* No crash, no leak (LeakSanitizer looks), every argument released exactly once. */
TEST(scheduler_survives_every_failed_allocation)
{
    bool done = false;

    for (unsigned n = 1; !done && n < CALLS_MAX; n++) {
        struct err err = {0};
        int freed = 0, made = 0;
        fault_alloc(n);
        done = use_sched(&freed, &made, &err);
        fault_off();
        assert_int_equal(freed, made);
        assert_true(done || err.code == ERR_FAILED);
        assert_int_equal(done, !fault_came());
    }
    assert_true(done);
}

TEST(texts_survive_every_failed_allocation)
{
    bool done = false;

    fault_json();
    for (unsigned n = 1; !done && n < CALLS_MAX; n++) {
        struct err err = {0};
        fault_alloc(n);
        done = use_texts(&err);
        fault_off();
        assert_true(done || err.code == ERR_FAILED);
    }
    assert_true(done);
}

TEST(processes_survive_every_failed_allocation)
{
    const struct proc_conf conf = {.argv = (const char *const[]){"true", NULL},
                                   .env = (const char *const[]){"A=B", "C=D", NULL}};
    bool done = false;

    for (unsigned n = 1; !done && n < CALLS_MAX; n++) {
        struct err err = {0};
        AUTO(buf) struct buf out = {0};
        fault_alloc(n);
        done = proc_run(&conf, 10, &out, &err);
        fault_off();
        assert_true(done || err.code == ERR_FAILED);
    }
    assert_true(done);
}

TEST(directories_survive_every_failed_allocation)
{
    AUTO(scratch) struct scratch dir = {0};
    bool done = false;

    scratch_open(&dir);
    scratch_write(&dir, "a", SPAN("x"));
    scratch_write(&dir, "b", SPAN("x"));
    for (unsigned n = 1; !done && n < CALLS_MAX; n++) {
        struct err err = {0};
        unsigned names = 0;
        const char *sub = scratch_path(&dir, "sub/deep");
        fault_alloc(n);
        done = dir_each(dir.path, count_name, &names, &err) && dir_make(sub, 0700, &err) &&
               dir_remove(sub, &err);
        fault_off();
        assert_true(done || err.code == ERR_FAILED);
    }
    assert_true(done);
}

TESTS(replacing_a_file_is_whole_or_nothing, scheduler_survives_every_failed_allocation,
      texts_survive_every_failed_allocation, processes_survive_every_failed_allocation,
      directories_survive_every_failed_allocation)
