#include "migrate/listing.h"

#include "lib/base/fd.h"
#include "migrate/name.h"

#include <sys/stat.h>

#define LIST_MAX ((size_t)4 << 20)

static bool is_script(const struct order *o, const char *name)
{
    AUTO(free) char *path = path_join(o->dir, name);
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool read_lines(const struct order *o, const char *list, struct buf *text, struct err *err)
{
    AUTO(free) char *path = path_join(o->dir, list);

    return path ? file_read(path, LIST_MAX, text, err) : err_memory(err);
}

/* ---- an explicit list --------------------------------------------------------------------------*/

static bool refuse_down(struct script_name n, const char *list, unsigned line, const char *name,
                        struct err *err)
{
    if (n.role != ROLE_DOWN && n.role != ROLE_UNDO)
        return true;
    err_set(err, ERR_CONFIG, "%s:%u: '%s' undoes a migration and is never run", list, line, name);
    return err_hint(err, "take it off the list; undo by resetting the box");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool list_line(struct order *o, const char *list, unsigned line, struct span entry,
                      struct err *err)
{
    AUTO(free) char *name = span_dup(entry);

    if (!name)
        return err_memory(err);
    if (!path_is_inside(entry))
        return err_set(err, ERR_CONFIG, "%s:%u: '%s' is not a path inside the directory", list,
                       line, name);
    if (!refuse_down(script_name_parse(span_of(base_name(name))), list, line, name, err))
        return false;
    for (size_t i = 0; i < o->files.count; i++) {
        if (strcmp(order_files(o)[i].name, name) == 0)
            return err_set(err, ERR_CONFIG, "%s:%u: '%s' is listed twice", list, line, name);
    }
    if (!is_script(o, name))
        return err_set(err, ERR_MISSING, "%s:%u: script '%s' does not exist", list, line, name);
    return order_add(o, name, SPAN(""), NULL, err);
}

bool listing_read(struct order *o, const char *list, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct span rest, row;
    unsigned line = 0;

    if (!read_lines(o, list, &text, err))
        return false;
    rest = buf_view(&text);
    while (span_split(&rest, '\n', &row)) {
        line++;
        row = span_trim(row);
        if (row.len && row.at[0] != '#' && !list_line(o, list, line, row, err))
            return false;
    }
    return true;
}

/* ---- sqitch.plan -------------------------------------------------------------------------------*/

struct plan_line {
    struct span word; /* a change, or a tag with its @ */
    unsigned line;
};

static struct span first_word(struct span s)
{
    size_t n = 0;

    while (n < s.len && s.at[n] != ' ' && s.at[n] != '\t')
        n++;
    return (struct span){s.at, n};
}

static bool plan_lines(struct span text, struct vec *out, struct err *err)
{
    struct span row;

    for (unsigned line = 1; span_split(&text, '\n', &row); line++) {
        row = span_trim(row);
        if (!row.len || row.at[0] == '#' || row.at[0] == '%')
            continue;
        if (row.at[0] == '-')
            return err_set(err, ERR_UNSUPPORTED, "sqitch.plan:%u: a planned revert is never run",
                           line);
        if (row.at[0] == '+')
            row = span_trim((struct span){row.at + 1, row.len - 1});
        struct plan_line *p = vec_add(out, err);
        if (!p)
            return false;
        *p = (struct plan_line){.word = first_word(row), .line = line};
    }
    return true;
}

/* deploy/NAME.sql, or for a change that comes again later the copy kept under one of the tags in
 * between. */
static bool deploy_name(const struct order *o, const struct plan_line *plan, size_t count,
                        size_t at, struct buf *name)
{
    struct span change = plan[at].word;
    size_t again = at + 1;

    while (again < count && !span_eq(plan[again].word, change))
        again++;
    for (size_t i = at + 1; again < count && i < again; i++) {
        if (!span_starts(plan[i].word, "@"))
            continue;
        buf_clear(name);
        buf_printf(name, "deploy/%.*s%.*s.sql", (int)change.len, change.at, (int)plan[i].word.len,
                   plan[i].word.at);
        if (is_script(o, buf_str(name)))
            return true;
    }
    buf_clear(name);
    buf_printf(name, "deploy/%.*s.sql", (int)change.len, change.at);
    return again == count && is_script(o, buf_str(name));
}

bool listing_read_sqitch(struct order *o, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf name = {0};
    AUTO(vec) struct vec lines = VEC(struct plan_line);

    if (!read_lines(o, "sqitch.plan", &text, err) || !plan_lines(buf_view(&text), &lines, err))
        return false;
    const struct plan_line *plan = lines.at;
    for (size_t i = 0; i < lines.count; i++) {
        if (span_starts(plan[i].word, "@"))
            continue;
        if (!path_is_inside(plan[i].word))
            return err_set(err, ERR_CONFIG, "sqitch.plan:%u: '%.*s' is not a change's name",
                           plan[i].line, (int)plan[i].word.len, plan[i].word.at);
        if (!deploy_name(o, plan, lines.count, i, &name))
            return err_set(err, ERR_MISSING, "sqitch.plan:%u: script '%s' does not exist",
                           plan[i].line, buf_str(&name));
        if (!buf_ok(&name, err) || !order_add(o, buf_str(&name), SPAN(""), NULL, err))
            return false;
    }
    return true;
}
