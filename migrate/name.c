#include "migrate/name.h"

#include "lib/base/auto.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct span s, size_t from)
{
    size_t n = from;

    while (n < s.len && is_digit(s.at[n]))
        n++;
    return n - from;
}

static struct span cut(struct span s, size_t from)
{
    return from < s.len ? (struct span){s.at + from, s.len - from} : (struct span){"", 0};
}

static struct span head(struct span s, size_t len)
{
    return (struct span){s.at, len};
}

static bool take_suffix(struct span *s, const char *suffix)
{
    size_t len = strlen(suffix);

    if (s->len <= len || !span_is_nocase(cut(*s, s->len - len), suffix))
        return false;
    s->len -= len;
    return true;
}

/* Bytes of "1", "1.2", "1_2_3" in front: each group ends before a separator of `joins` that is
 * followed by another digit. 0 when no digit comes first. */
static size_t version_len(struct span s, const char *joins)
{
    size_t n = digits(s, 0);

    while (n && n + 1 < s.len && strchr(joins, s.at[n]) && digits(s, n + 1))
        n += 1 + digits(s, n + 1);
    return n;
}

/* "2024-01-31" in front: the one place where a dash joins. */
static size_t date_len(struct span s)
{
    bool is_date = digits(s, 0) == 4 && s.len >= 10 && s.at[4] == '-' && digits(s, 5) == 2 &&
                   s.at[7] == '-' && digits(s, 8) == 2;

    return is_date ? 10 : 0;
}

/* ---- Flyway ------------------------------------------------------------------------------------*/

static bool flyway(struct span stem, struct script_name *out)
{
    static const struct {
        char letter;
        enum name_role role;
    } letters[] = {
        {'V', ROLE_VERSIONED}, {'R', ROLE_REPEATABLE}, {'U', ROLE_UNDO}, {'B', ROLE_BASELINE}};

    for (size_t i = 0; stem.len && i < COUNT(letters); i++) {
        if (stem.at[0] != letters[i].letter)
            continue;
        struct span rest = cut(stem, 1);
        size_t n = version_len(rest, "._");
        if ((n == 0) != (letters[i].role == ROLE_REPEATABLE) || !span_starts(cut(rest, n), "__"))
            continue;
        *out = (struct script_name){.style = NAME_FLYWAY,
                                    .role = letters[i].role,
                                    .version = head(rest, n),
                                    .title = cut(rest, n + 2)};
        return true;
    }
    return false;
}

/* ---- up and down -------------------------------------------------------------------------------*/

static void popx_suffixes(struct script_name *n)
{
    static const char *const dialects[] = {".postgresql", ".postgres", ".pg",         ".mysql",
                                           ".mariadb",    ".sqlite3",  ".sqlite",     ".cockroach",
                                           ".mssql",      ".oracle",   ".cockroachdb"};

    n->autocommit = take_suffix(&n->title, ".autocommit");
    for (size_t i = 0; i < COUNT(dialects) && !n->dialect.len; i++) {
        struct span all = n->title;
        if (take_suffix(&n->title, dialects[i]))
            n->dialect = cut((struct span){all.at + n->title.len, all.len - n->title.len}, 1);
    }
    n->autocommit |= take_suffix(&n->title, ".autocommit");
}

static bool updown(struct span stem, struct script_name *out)
{
    bool up = take_suffix(&stem, ".up");
    bool down = !up && take_suffix(&stem, ".down");

    if (!up && !down)
        return false;
    struct span rest = stem.len && stem.at[0] == 'V' ? cut(stem, 1) : stem;
    size_t n = version_len(rest, ".");
    if (!n || (n < rest.len && !strchr("_.-", rest.at[n])))
        return false;
    *out = (struct script_name){.style = NAME_UPDOWN,
                                .role = up ? ROLE_VERSIONED : ROLE_DOWN,
                                .version = head(rest, n),
                                .title = cut(rest, n + 1)};
    popx_suffixes(out);
    return true;
}

/* ---- numbered ----------------------------------------------------------------------------------*/

static bool numbered(struct span stem, struct script_name *out)
{
    size_t n = date_len(stem);

    n = n ? n : version_len(stem, ".");
    if (!n || (n < stem.len && !strchr("_.- ", stem.at[n])))
        return false;
    *out = (struct script_name){
        .style = NAME_NUMBERED, .version = head(stem, n), .title = cut(stem, n + 1)};
    return true;
}

struct script_name script_name_parse(struct span name)
{
    struct script_name out = {.style = NAME_OTHER};
    struct span stem = name;

    if (!name.len || name.at[0] == '.' || !take_suffix(&stem, ".sql"))
        return out;
    if (flyway(stem, &out) || updown(stem, &out) || numbered(stem, &out))
        return out;
    return (struct script_name){.style = NAME_PLAIN, .title = stem};
}

/* ---- versions ----------------------------------------------------------------------------------*/

/* The next group without its leading zeros; empty at the end, which counts as zero. */
static struct span group_next(struct span *s)
{
    while (s->len && !is_digit(s->at[0]))
        *s = cut(*s, 1);
    while (s->len && s->at[0] == '0')
        *s = cut(*s, 1);
    size_t n = digits(*s, 0);
    struct span group = head(*s, n);
    *s = cut(*s, n);
    return group;
}

int version_cmp(struct span a, struct span b)
{
    while (a.len || b.len) {
        struct span x = group_next(&a), y = group_next(&b);
        if (x.len != y.len)
            return x.len < y.len ? -1 : 1;
        int c = x.len ? memcmp(x.at, y.at, x.len) : 0;
        if (c)
            return c < 0 ? -1 : 1;
    }
    return 0;
}
