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

bool section_find(struct span text, struct section *out, struct err *err)
{
    struct section s = {.up = text, .line = 1};
    struct span rest = text, row, tail;
    unsigned down_line = 0;
    bool open = false;

    for (unsigned line = 1; span_split(&rest, '\n', &row); line++) {
        size_t at = mark_of(row, &tail);
        if (at == COUNT(marks))
            continue;
        if (marks[at].mark == MARK_SUBSTITUTE)
            return err_set(err, ERR_UNSUPPORTED,
                           "line %u: environment substitution is not done here", line);
        if (marks[at].mark == MARK_ALONE || memmem(tail.at, tail.len, "transaction:false", 17))
            s.no_transaction = s.no_transaction || marks[at].mark != MARK_DOWN;
        if (!s.before.at && (marks[at].mark == MARK_UP || marks[at].mark == MARK_DOWN))
            s.before = (struct span){text.at, (size_t)(row.at - text.at)};
        if (marks[at].mark == MARK_UP) {
            struct span body = rest.at ? rest : (struct span){"", 0};
            if (!take_up(&s, at, body, line, err))
                return false;
            open = true;
        } else if (marks[at].mark == MARK_DOWN) {
            down_line = line;
            if (open)
                s.up.len = (size_t)(row.at - s.up.at);
            open = false;
        }
    }
    if (down_line && s.style == SECTION_NONE)
        return err_set(err, ERR_CONFIG, "line %u: a down part without an up part", down_line);
    *out = s;
    return true;
}
