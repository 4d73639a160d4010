/* Rewrite rules: what in the captured trees names production is made to name the box. */
#include "lib/box/local.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <regex.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/fd.h"

#define FILE_MAX ((size_t)64 << 20)
#define GROUPS   10

static inline void auto_regex(regex_t *re)
{
    regfree(re);
}

/* \1 .. \9 are groups, \\ is a backslash. */
static void put_replacement(const char *with, const char *line, const regmatch_t *m,
                            struct buf *out)
{
    for (; *with; with++) {
        if (*with != '\\' || !with[1]) {
            buf_putc(out, *with);
            continue;
        }
        with++;
        if (*with < '0' || *with > '9') {
            buf_putc(out, *with);
            continue;
        }
        const regmatch_t *g = &m[*with - '0'];
        if (g->rm_so >= 0)
            buf_add(out, line + g->rm_so, (size_t)(g->rm_eo - g->rm_so));
    }
}

/* Every match in one line; REG_STARTEND lets lines hold any byte. */
static unsigned rewrite_line(const regex_t *re, const char *with, struct span line, struct buf *out)
{
    regmatch_t m[GROUPS];
    size_t at = 0;
    unsigned hits = 0;

    while (at <= line.len) {
        m[0] = (regmatch_t){.rm_so = (regoff_t)at, .rm_eo = (regoff_t)line.len};
        if (regexec(re, line.at, GROUPS, m, REG_STARTEND | (at ? REG_NOTBOL : 0)) != 0)
            break;
        hits++;
        buf_add(out, line.at + at, (size_t)m[0].rm_so - at);
        put_replacement(with, line.at, m, out);
        at = (size_t)m[0].rm_eo;
        if (m[0].rm_so == m[0].rm_eo) { /* an empty match must not match for ever */
            if (at < line.len)
                buf_putc(out, line.at[at]);
            at++;
        }
    }
    if (at < line.len)
        buf_add(out, line.at + at, line.len - at);
    return hits;
}

static unsigned rewrite_text(const regex_t *re, const char *with, struct span text, struct buf *out)
{
    unsigned hits = 0;

    while (text.len) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t whole = end ? (size_t)(end - text.at) + 1 : text.len;
        struct span line = {text.at, end ? whole - 1 : whole};

        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        hits += rewrite_line(re, with, line, out);
        buf_add(out, line.at + line.len, whole - line.len);
        text = (struct span){text.at + whole, text.len - whole};
    }
    return hits;
}

/* Opens a file of a tree; a link that leads out of the tree is refused by the kernel. */
static int open_inside(const char *tree, const char *path)
{
    AUTO(fd) int dir = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct open_how how = {.flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    return dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static bool read_fd(int fd, const char *name, struct buf *out, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot read '%s'", name);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_MAX)
        return err_set(err, ERR_CONFIG, "'%s' is not a text file to be rewritten", name);
    if (!st.st_size)
        return true;
    if (!buf_reserve(out, (size_t)st.st_size + 1))
        return err_memory(err);
    if (!fd_pread_all(fd, out->at, (size_t)st.st_size, 0, err))
        return err_add(err, "cannot read '%s'", name);
    out->len = (size_t)st.st_size;
    out->at[out->len] = '\0';
    return true;
}

/* In place: owner, mode, links and attributes stay what production's were. The box is not ready
 * yet, so a crash in between is a failed restore and no worse. */
static bool write_fd(int fd, const char *name, const struct buf *text, struct err *err)
{
    if (!fd_pwrite_all(fd, buf_str(text), text->len, 0, err))
        return err_add(err, "cannot write '%s'", name);
    if (ftruncate(fd, (off_t)text->len) != 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", name);
    return true;
}

static char *tree_of(struct local *l, const char *file)
{
    AUTO(free) char *name = span_dup((struct span){file, strcspn(file, "/")});
    return name ? box_files(&l->box, name) : NULL;
}

static bool apply(struct local *l, const struct env_rewrite *r, unsigned *hits, struct err *err)
{
    AUTO(free) char *tree = tree_of(l, r->file);
    AUTO(buf) struct buf with = {0}, text = {0}, out = {0};
    AUTO(regex) regex_t re = {0};

    *hits = 0;
    if (!tree)
        return err_memory(err);
    if (!expand(l, r->with, true, true, &with, err))
        return err_add(err, "cannot rewrite '%s'", r->file);
    if (regcomp(&re, r->match, REG_EXTENDED) != 0)
        return err_set(err, ERR_CONFIG, "'%s' is not a regular expression", r->match);
    AUTO(fd) int fd = open_inside(tree, r->file + strcspn(r->file, "/") + 1);
    if (fd < 0 && errno == ENOENT && r->optional)
        return true;
    if (fd < 0 && errno == EXDEV)
        return err_set(err, ERR_CONFIG, "'%s' is a link that leads out of the tree", r->file);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s' to rewrite it", r->file);
    if (!read_fd(fd, r->file, &text, err))
        return false;
    *hits = rewrite_text(&re, buf_str(&with), buf_view(&text), &out);
    if (!buf_ok(&out, err))
        return false;
    return !*hits || write_fd(fd, r->file, &out, err);
}

static bool rewrite_one(struct local *l, const struct env_rewrite *r,
                        const struct box_rewriting *how, struct err *err)
{
    unsigned hits = 0;

    if (how->wanted && !how->wanted(how->ctx, r))
        return true;
    if (!apply(l, r, &hits, err))
        return false;
    if (how->report)
        how->report(how->ctx, r, hits);
    if (hits || r->optional)
        return true;
    err_set(err, ERR_CONFIG, "nothing in '%s' matches '%s'", r->file, r->match);
    return err_hint(err, "mend the rule in %s, or mark it 'optional: true'", l->box.env->path);
}

bool box_rewrite(struct box *b, const struct box_rewriting *how, struct err *err)
{
    static const struct box_rewriting all = {0};
    struct local *l = local_of(b);

    if (!local_lock(l, err))
        return false;
    for (unsigned i = 0; i < b->env->rewrite_count; i++) {
        if (!rewrite_one(l, &b->env->rewrite[i], how ? how : &all, err))
            return false;
    }
    return true;
}
