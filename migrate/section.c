#include "migrate/section.h"

#include "lib/base/auto.h"

enum mark { MARK_NONE, MARK_UP, MARK_DOWN, MARK_ALONE, MARK_SUBSTITUTE };

static const struct {
    const char *text;
    enum mark mark;
    enum section_style style;
} marks[] = {
    {"migrate:up", MARK_UP, SECTION_DBMATE},
    {"migrate:down", MARK_DOWN, SECTION_DBMATE},
    {"+goose up", MARK_UP, SECTION_GOOSE},
    {"+goose down", MARK_DOWN, SECTION_GOOSE},
    {"+goose no transaction", MARK_ALONE, SECTION_GOOSE},
    {"+goose envsub on", MARK_SUBSTITUTE, SECTION_GOOSE},
    {"rehearse:no-transaction", MARK_ALONE, SECTION_NONE},
};

static bool begins_with(struct span s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && strncasecmp(s.at, text, len) == 0 &&
           (s.len == len || s.at[len] == ' ' || s.at[len] == '\t');
}

/* What a line says; `tail` is what stands behind the mark. */
static size_t mark_of(struct span line, struct span *tail)
{
    if (span_starts(line, "\xEF\xBB\xBF"))
        line = (struct span){line.at + 3, line.len - 3};
    line = span_trim(line);
    if (!span_starts(line, "--"))
        return COUNT(marks);
    line = span_trim((struct span){line.at + 2, line.len - 2});
    for (size_t i = 0; i < COUNT(marks); i++) {
        if (!begins_with(line, marks[i].text))
            continue;
        size_t len = strlen(marks[i].text);
        *tail = (struct span){line.at + len, line.len - len};
        return i;
    }
    return COUNT(marks);
}

static bool take_up(struct section *s, size_t at, struct span rest, unsigned line, struct err *err)
{
    if (s->style != SECTION_NONE)
        return err_set(err, ERR_CONFIG, "line %u: a second up part", line);
    s->style = marks[at].style;
    s->up = rest;
    s->line = line + 1;
    return true;
}

struct finding {
    struct section s;
    struct span text, rest; /* whole; behind the row in hand */
    unsigned down_line;
    bool open; /* between an up mark and its end */
};

static bool take_mark(struct finding *f, size_t at, struct span row, struct span tail,
                      unsigned line, struct err *err)
{
    enum mark mark = marks[at].mark;

    if (mark == MARK_SUBSTITUTE)
        return err_set(err, ERR_UNSUPPORTED, "line %u: environment substitution is not done here",
                       line);
    if (mark == MARK_ALONE ||
        (mark == MARK_UP && memmem(tail.at, tail.len, "transaction:false", 17)))
        f->s.no_transaction = true;
    if (mark == MARK_ALONE)
        return true;
    if (!f->s.before.at)
        f->s.before = (struct span){f->text.at, (size_t)(row.at - f->text.at)};
    if (mark == MARK_UP) {
        f->open = true;
        return take_up(&f->s, at, f->rest.at ? f->rest : (struct span){row.at + row.len, 0}, line,
                       err);
    }
    if (f->open)
        f->s.up.len = (size_t)(row.at - f->s.up.at);
    f->open = false;
    f->down_line = line;
    return true;
}

bool section_find(struct span text, struct section *out, struct err *err)
{
    struct finding f = {.s = {.up = text, .line = 1}, .text = text, .rest = text};
    struct span row, tail;

    for (unsigned line = 1; span_split(&f.rest, '\n', &row); line++) {
        size_t at = mark_of(row, &tail);
        if (at != COUNT(marks) && !take_mark(&f, at, row, tail, line, err))
            return false;
    }
    if (f.down_line && f.s.style == SECTION_NONE)
        return err_set(err, ERR_CONFIG, "line %u: a down part without an up part", f.down_line);
    *out = f.s;
    return true;
}
