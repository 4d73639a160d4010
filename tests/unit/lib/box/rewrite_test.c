#include "lib/box/box.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "tests/fake/scratch.h"
#include "tests/test.h"

struct fixture {
    struct scratch dir;
    struct env *env;
    struct box *box;
    struct err err;
    unsigned hits;
};

static void auto_fixture(struct fixture *f)
{
    box_close(f->box);
    env_free(f->env);
    auto_scratch(&f->dir);
}

/* A box whose file config/c holds `text`, with the given rules. */
static void make(struct fixture *f, const char *rules, struct span text)
{
    AUTO(buf) struct buf yaml = {0};

    scratch_open(&f->dir);
    buf_printf(&yaml,
               "name: t\nfiles: [{name: config, path: /nowhere}]\nservices:\n"
               "  - {name: web, run: [x], port: 80}\nbox:\n  rewrite:\n%s",
               rules);
    assert_ok(env_parse(buf_view(&yaml), "/etc/t.yaml", &f->env, &f->err), &f->err);
    assert_ok(box_create(scratch_path(&f->dir, "box"), f->env, false, &f->box, &f->err), &f->err);
    AUTO(free) char *tree = box_files(f->box, "config");
    AUTO(free) char *path = path_join(tree, "c");
    assert_ok(dir_make(tree, 0755, &f->err), &f->err);
    assert_ok(file_replace(path, text, 0640, &f->err), &f->err);
}

static void count(void *ctx, const struct env_rewrite *rule, unsigned hits)
{
    struct fixture *f = ctx;

    (void)rule;
    f->hits += hits;
}

static void content(struct fixture *f, struct buf *out)
{
    AUTO(free) char *tree = box_files(f->box, "config");
    AUTO(free) char *path = path_join(tree, "c");

    assert_ok(file_read(path, 1 << 20, out, &f->err), &f->err);
}

TEST(rewrites_matches)
{
    const struct {
        const char *rule;
        struct span before, after;
        unsigned hits;
    } cases[] = {
        {"{file: config/c, match: \"^a = .*\", with: \"a = 2\"}", SPAN("a = 1\nb = 1\n"),
         SPAN("a = 2\nb = 1\n"), 1},
        {"{file: config/c, match: \"[0-9]+\", with: N}", SPAN("1 22\n333"), SPAN("N N\nN"), 3},
        {"{file: config/c, match: \"(\\\\w+)@(\\\\w+)\", with: \"\\\\2.\\\\1 \\\\\\\\1\"}",
         SPAN("me@host\n"), SPAN("host.me \\1\n"), 1},
        {"{file: config/c, match: \"x*\", with: \"-\"}", SPAN("ab\n"), SPAN("-a-b-\n"), 3},
        {"{file: config/c, match: \"^a$\", with: b}", SPAN("a\r\na\r\n"), SPAN("b\r\nb\r\n"), 2},
        {"{file: config/c, match: b, with: c}", SPAN("a\0b\n\xff b"), SPAN("a\0c\n\xff c"), 2},
        {"{file: config/c, match: \"long.*\", with: \"\"}", SPAN("long line\nrest"), SPAN("\nrest"),
         1},
        {"{file: config/c, match: no, with: x, optional: true}", SPAN("yes"), SPAN("yes"), 0},
        {"{file: config/absent, match: no, with: x, optional: true}", SPAN("yes"), SPAN("yes"), 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(fixture) struct fixture f = {0};
        AUTO(buf) struct buf rules = {0}, got = {0};

        buf_printf(&rules, "    - %s\n", cases[i].rule);
        make(&f, buf_str(&rules), cases[i].before);
        struct box_rewriting how = {.report = count, .ctx = &f};
        assert_ok(box_rewrite(f.box, &how, &f.err), &f.err);
        content(&f, &got);
        assert_int_equal(got.len, cases[i].after.len);
        assert_memory_equal(buf_str(&got), cases[i].after.at, cases[i].after.len);
        assert_int_equal(f.hits, cases[i].hits);
    }
}

TEST(fills_variables_in)
{
    AUTO(fixture) struct fixture f = {0};
    AUTO(buf) struct buf got = {0}, wanted = {0};

    make(&f, "    - {file: config/c, match: P, with: \"${port.web} ${files.config}\"}\n",
         SPAN("P"));
    assert_ok(box_rewrite(f.box, NULL, &f.err), &f.err);
    assert_ok(box_expand(f.box, "${port.web} ${files.config}", &wanted, &f.err), &f.err);
    content(&f, &got);
    assert_string_equal(buf_str(&got), buf_str(&wanted));
}

TEST(keeps_mode_and_links)
{
    AUTO(fixture) struct fixture f = {0};
    struct stat before, after;

    make(&f, "    - {file: config/c, match: P, with: Q}\n", SPAN("P"));
    AUTO(free) char *tree = box_files(f.box, "config");
    AUTO(free) char *path = path_join(tree, "c");
    assert_int_equal(stat(path, &before), 0);
    assert_ok(box_rewrite(f.box, NULL, &f.err), &f.err);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(after.st_mode & 07777, 0640);
}

TEST(says_when_nothing_matches)
{
    AUTO(fixture) struct fixture f = {0};

    make(&f, "    - {file: config/c, match: \"^listen\", with: x}\n", SPAN("nothing\n"));
    assert_fails(box_rewrite(f.box, NULL, &f.err), &f.err, ERR_CONFIG);
    assert_string_equal(f.err.text, "nothing in 'config/c' matches '^listen'");
}

/* A captured link must not lead the rewriting out of the box. */
TEST(never_follows_links_out)
{
    static const char *const targets[] = {"../../../victim", "/proc/self/status"};

    for (size_t i = 0; i < COUNT(targets); i++) {
        AUTO(fixture) struct fixture f = {0};
        AUTO(buf) struct buf got = {0};

        make(&f, "    - {file: config/l, match: P, with: Q}\n", SPAN("P"));
        scratch_write(&f.dir, "victim", SPAN("P"));
        AUTO(free) char *tree = box_files(f.box, "config");
        AUTO(free) char *link = path_join(tree, "l");
        assert_int_equal(symlink(targets[i], link), 0);
        assert_false(box_rewrite(f.box, NULL, &f.err));
        assert_string_equal(f.err.text, "'config/l' is a link that leads out of the tree");
        assert_ok(file_read(scratch_path(&f.dir, "victim"), 100, &got, &f.err), &f.err);
        assert_string_equal(buf_str(&got), "P");
    }
}

TESTS(rewrites_matches, fills_variables_in, keeps_mode_and_links, says_when_nothing_matches,
      never_follows_links_out)
