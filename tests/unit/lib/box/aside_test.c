/* Folders of somebody else that look like a box: whatever we are asked, they stay as they are; and
 * boxes whose making was cut off, beside which somebody put something. */
#include "lib/box/box.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "tests/fake/scratch.h"
#include "tests/test.h"

#define FOREIGN "{\"name\": \"site\", \"slug\": \"site\", \"dependencies\": {}}\n"
#define FRESH                                                                                    \
    "{\"rehearse_box\": \"1\", \"kind\": \"local\", \"servers\": [], \"services\": [], \"id\": " \
    "\"00\", \"name\": \"t\", \"created\": \"\", \"environment\": \"/etc/t.yaml\", \"state\": "  \
    "\"new\"}\n"
#define YAML "name: t\n"

struct file {
    const char *name, *text;
};

static void put(struct scratch *dir, const struct file *file)
{
    AUTO(free) char *path = span_dup(span_of(scratch_path(dir, file->name)));
    struct err err = {0};

    *strrchr(path, '/') = '\0';
    assert_ok(dir_make(path, 0755, &err), &err);
    scratch_write(dir, file->name, span_of(file->text));
}

static bool count_entry(void *ctx, const char *name, struct err *err)
{
    size_t *count = ctx;

    (void)name;
    (void)err;
    ++*count;
    return true;
}

static size_t entries(const char *dir)
{
    size_t count = 0;
    struct err err = {0};

    assert_ok(dir_each(dir, count_entry, &count, &err), &err);
    return count;
}

static void untouched(struct scratch *dir, const struct file *files, size_t count, size_t top)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(buf) struct buf got = {0};
        struct err err = {0};

        assert_ok(file_read(scratch_path(dir, files[i].name), 1 << 20, &got, &err), &err);
        assert_string_equal(buf_str(&got), files[i].text);
    }
    assert_int_equal(entries(dir->path), top); /* and no lock */
}

/* All that is asked of a folder: a look at it, opening it, and a new box in its place. */
static void leaves_alone(const struct file *files, size_t count)
{
    AUTO(scratch) struct scratch dir = {0};
    struct env *env = NULL;
    struct box *b = NULL;
    struct err err = {0};

    scratch_open(&dir);
    for (size_t i = 0; i < count; i++)
        put(&dir, &files[i]);
    size_t top = entries(dir.path);
    assert_false(box_is(dir.path));
    assert_fails(box_open(dir.path, &b, &err), &err, ERR_MISSING);
    assert_ok(env_parse(span_of(YAML), "/etc/t.yaml", &env, &err), &err);
    assert_fails(box_create(dir.path, env, false, &b, &err), &err, ERR_EXISTS);
    assert_fails(box_create(dir.path, env, true, &b, &err), &err, ERR_EXISTS);
    assert_non_null(strstr(err.text, "is not empty and not a box"));
    env_free(env);
    untouched(&dir, files, count, top);
}

/* CommandBox, for one, keeps its projects' description in a box.json. */
TEST(leaves_anothers_box_json_alone)
{
    static const struct file alone[] = {{"box.json", FOREIGN}};
    static const struct file project[] = {
        {"box.json", FOREIGN},
        {"box.json.bak", "older"},
        {"environment.yaml.example", "example"},
        {"src/main.cfc", "component {}"},
    };
    static const struct file like_ours[] = {
        {"box.json", FOREIGN},
        {"environment.yaml", "conda: yes"},
        {"files/a", "1"},
        {"journal.md", "2"},
    };
    static const struct file moved[] = {{"box.json", FOREIGN},
                                        {"files/a", "1"},
                                        {"before/files/a", "2"},
                                        {"before.new/files/b", "3"},
                                        {"before.back/pg.x", "4"}};
    static const struct file no_box_json[] = {{"before.new/files/a", "1"},
                                              {"before.back/journal", "2"}};
    static const struct file another_before[] = {{"before/box.json", FOREIGN}, {"files/a", "1"}};

    leaves_alone(alone, COUNT(alone));
    leaves_alone(project, COUNT(project));
    leaves_alone(like_ours, COUNT(like_ours));
    leaves_alone(moved, COUNT(moved));
    leaves_alone(no_box_json, COUNT(no_box_json));
    leaves_alone(another_before, COUNT(another_before));
}

/* One that cannot be read may be a damaged one of ours: it is shown, and touched by nobody. */
TEST(leaves_what_it_cannot_read_alone)
{
    static const struct file files[] = {
        {"box.json", "{\"rehearse_box\": \"1\", \"st"},
        {"files/a", "1"},
    };
    static const struct file bare[] = {{"box.json", "not JSON at all"}};
    const struct {
        const struct file *files;
        size_t count;
    } cases[] = {{files, COUNT(files)}, {bare, COUNT(bare)}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(scratch) struct scratch dir = {0};
        AUTO(env) struct env *env = NULL;
        struct box *b = NULL;
        struct err err = {0};

        scratch_open(&dir);
        for (size_t k = 0; k < cases[i].count; k++)
            put(&dir, &cases[i].files[k]);
        assert_true(box_is(dir.path));
        assert_fails(box_open(dir.path, &b, &err), &err, ERR_DAMAGED);
        assert_ok(env_parse(span_of(YAML), "/etc/t.yaml", &env, &err), &err);
        assert_fails(box_create(dir.path, env, true, &b, &err), &err, ERR_DAMAGED);
        untouched(&dir, cases[i].files, cases[i].count, cases[i].count);
    }
}

/* A making that was cut off at its edge is forgotten, but not with what somebody put beside it. */
TEST(forgets_a_bare_box_alone)
{
    static const struct file bare[] = {
        {"box.json", FRESH}, {"box.lock", "1\n"}, {"environment.yaml.Ab12Cd", "name:"}};
    static const struct file kept[] = {{"box.json", FRESH}, {"box.json.bak", "mine"}};
    AUTO(scratch) struct scratch one = {0};
    AUTO(scratch) struct scratch two = {0};
    struct box *b = NULL;
    struct err err = {0};

    scratch_open(&one);
    for (size_t i = 0; i < COUNT(bare); i++)
        put(&one, &bare[i]);
    assert_true(box_is(one.path));
    assert_fails(box_open(one.path, &b, &err), &err, ERR_MISSING);
    assert_int_equal(entries(one.path), 1); /* the lock */

    scratch_open(&two);
    for (size_t i = 0; i < COUNT(kept); i++)
        put(&two, &kept[i]);
    assert_fails(box_open(two.path, &b, &err), &err, ERR_MISSING);
    assert_non_null(strstr(err.text, "environment"));
    assert_non_null(strstr(err.hint, "--replace"));
    assert_ok(unlink(scratch_path(&two, "box.lock")) == 0, &err);
    untouched(&two, kept, COUNT(kept), COUNT(kept));
}

/* What else lies beside a box's parts with a name that begins as theirs is not the box's. */
TEST(removes_no_copies_of_others)
{
    static const struct file copy = {"box/box.json.orig", "mine"};
    AUTO(scratch) struct scratch dir = {0};
    AUTO(env) struct env *env = NULL;
    AUTO(box) struct box *b = NULL;
    struct err err = {0};
    char where[300];

    scratch_open(&dir);
    snprintf(where, sizeof(where), "%s/box", dir.path);
    assert_ok(env_parse(span_of(YAML), "/etc/t.yaml", &env, &err), &err);
    assert_ok(box_create(where, env, false, &b, &err), &err);
    assert_ok(box_set_state(b, "ready", "d1", &err), &err);
    put(&dir, &copy);
    assert_fails(box_destroy(b, &err), &err, ERR_EXISTS);
    assert_non_null(strstr(err.text, "box.json.orig"));
    untouched(&dir, &copy, 1, 1);
}

TESTS(leaves_anothers_box_json_alone, leaves_what_it_cannot_read_alone, forgets_a_bare_box_alone,
      removes_no_copies_of_others)
