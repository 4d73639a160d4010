#include "snapshot/my_ddl.h"

#include "lib/db/my_text.h"

/* The length of the quoted piece at s, both quotes included; 0 when it never ends. */
static size_t quoted_len(struct span s)
{
    char quote = s.at[0];

    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '\\' && quote != '`')
            i++;
        else if (s.at[i] == quote && i + 1 < s.len && s.at[i + 1] == quote)
            i++;
        else if (s.at[i] == quote)
            return i + 1;
    }
    return 0;
}

/* The length up to an unquoted comma or closing parenthesis of this level; 0: none. */
static size_t def_len(struct span s)
{
    int depth = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '`' || c == '\'' || c == '"') {
            size_t len = quoted_len((struct span){s.at + i, s.len - i});
            if (!len)
                return 0;
            i += len - 1;
        } else if (c == '(') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == ')')) {
            return i;
        } else if (c == ')') {
            depth--;
        }
    }
    return 0;
}

/* The unquoted text of the definition holds the word. */
static bool has_word(struct span s, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= s.len; i++) {
        if (s.at[i] == '`' || s.at[i] == '\'' || s.at[i] == '"') {
            size_t skip = quoted_len((struct span){s.at + i, s.len - i});
            if (!skip)
                return false;
            i += skip - 1;
        } else if (!memcmp(s.at + i, word, len)) {
            return true;
        }
    }
    return false;
}

/* The quoted name right behind the first unquoted parenthesis. */
static struct span first_column(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '`') {
            size_t skip = quoted_len((struct span){s.at + i, s.len - i});
            i += skip ? skip - 1 : 0;
        } else if (s.at[i] == '(' && i + 1 < s.len && s.at[i + 1] == '`') {
            struct span name = {s.at + i + 1, s.len - i - 1};
            return (struct span){name.at, quoted_len(name)};
        }
    }
    return (struct span){0};
}

static enum my_part part_of(struct span def)
{
    static const struct {
        const char *start;
        enum my_part part;
    } starts[] = {
        {"`", MY_PART_COLUMN}, {"PRIMARY KEY", MY_PART_PRIMARY},   {"UNIQUE KEY", MY_PART_UNIQUE},
        {"KEY", MY_PART_KEY},  {"FULLTEXT KEY", MY_PART_FULLTEXT}, {"SPATIAL KEY", MY_PART_SPATIAL},
    };

    for (size_t i = 0; i < COUNT(starts); i++) {
        if (span_starts(def, starts[i].start))
            return starts[i].part;
    }
    return span_starts(def, "CONSTRAINT") && has_word(def, "FOREIGN KEY") ? MY_PART_FOREIGN
                                                                          : MY_PART_OTHER;
}

static bool odd(struct span create, struct err *err)
{
    int shown = create.len > 60 ? 60 : (int)create.len;

    return err_set(err, ERR_UNSUPPORTED, "cannot take apart '%.*s...'", shown,
                   create.at ? create.at : "");
}

static bool add_def(struct my_ddl *d, struct span text, struct err *err)
{
    struct my_def *def = vec_add(&d->defs, err);

    if (!def)
        return false;
    def->text = span_trim(text);
    def->part = part_of(def->text);
    if (def->part == MY_PART_COLUMN)
        def->auto_increment = has_word(def->text, " AUTO_INCREMENT");
    else if (def->part != MY_PART_OTHER && def->part != MY_PART_FOREIGN)
        def->first = first_column(def->text);
    return true;
}

/* The opening parenthesis stands behind the quoted name, in which there may be another. */
static size_t head_len(struct span create)
{
    for (size_t i = 0; i < create.len; i++) {
        if (create.at[i] == '`') {
            size_t skip = quoted_len((struct span){create.at + i, create.len - i});
            i += skip ? skip - 1 : 0;
        } else if (create.at[i] == '(') {
            return i + 1;
        }
    }
    return 0;
}

bool my_ddl_split(struct span create, struct my_ddl *out, struct err *err)
{
    AUTO(my_ddl) struct my_ddl d = {.defs = VEC(struct my_def)};
    size_t head = head_len(create);

    if (!head || !span_starts(create, "CREATE "))
        return odd(create, err);
    d.head = (struct span){create.at, head};
    struct span rest = {create.at + head, create.len - head};
    for (;;) {
        size_t len = def_len(rest);
        if (!len)
            return odd(create, err);
        if (!add_def(&d, (struct span){rest.at, len}, err))
            return false;
        bool last = rest.at[len] == ')';
        rest.at += last ? len : len + 1;
        rest.len -= last ? len : len + 1;
        if (last)
            break;
    }
    d.tail = rest;
    *out = d;
    d.defs = (struct vec)VEC(struct my_def);
    return true;
}

void my_ddl_done(struct my_ddl *d)
{
    vec_done(&d->defs);
    *d = (struct my_ddl){.defs = VEC(struct my_def)};
}

static const struct my_def *find_part(const struct my_ddl *d, enum my_part part)
{
    const struct my_def *defs = d->defs.at;

    for (size_t i = 0; i < d->defs.count; i++) {
        if (defs[i].part == part)
            return &defs[i];
    }
    return NULL;
}

/* The quoted name of the AUTO_INCREMENT column; absent when there is none. */
static struct span auto_column(const struct my_ddl *d)
{
    const struct my_def *defs = d->defs.at;

    for (size_t i = 0; i < d->defs.count; i++) {
        if (defs[i].auto_increment)
            return (struct span){defs[i].text.at, quoted_len(defs[i].text)};
    }
    return (struct span){0};
}

bool my_ddl_stays(const struct my_ddl *d, const struct my_def *def)
{
    const struct my_def *primary = find_part(d, MY_PART_PRIMARY);

    switch (def->part) {
    case MY_PART_COLUMN:
    case MY_PART_PRIMARY:
    case MY_PART_OTHER:
        return true;
    case MY_PART_FOREIGN:
        return false;
    case MY_PART_UNIQUE:
        if (!primary)
            return true;
        break;
    case MY_PART_KEY:
    case MY_PART_FULLTEXT:
    case MY_PART_SPATIAL:
        break;
    }
    struct span counted = auto_column(d);
    return counted.at && !(primary && span_eq(primary->first, counted)) &&
           span_eq(def->first, counted);
}

bool my_ddl_create(const struct my_ddl *d, struct buf *out)
{
    const struct my_def *defs = d->defs.at;
    const char *sep = "\n  ";

    buf_span(out, d->head);
    for (size_t i = 0; i < d->defs.count; i++) {
        if (!my_ddl_stays(d, &defs[i]))
            continue;
        buf_puts(out, sep);
        buf_span(out, defs[i].text);
        sep = ",\n  ";
    }
    buf_putc(out, '\n');
    return buf_span(out, d->tail);
}

bool my_ddl_shape(struct span create, struct buf *out)
{
    static const char mark[] = " AUTO_INCREMENT=";
    const size_t len = sizeof(mark) - 1;

    for (size_t i = 0; i < create.len; i++) {
        char c = create.at[i];
        size_t quoted =
            c == '`' || c == '\'' ? quoted_len((struct span){create.at + i, create.len - i}) : 0;
        if (quoted) {
            buf_add(out, create.at + i, quoted);
            i += quoted - 1;
        } else if (create.len - i > len && !memcmp(create.at + i, mark, len)) {
            for (i += len; i < create.len && create.at[i] >= '0' && create.at[i] <= '9'; i++)
                ;
            i--;
        } else {
            buf_putc(out, c);
        }
    }
    return !out->failed;
}

/* What the quoted literal stands for. */
static bool literal_value(struct span literal, struct buf *out)
{
    AUTO(buf) struct buf inner = {0};
    bool null;

    for (size_t i = 1; i + 1 < literal.len; i++) {
        char c = literal.at[i];
        buf_putc(&inner, c);
        if (c == '\\')
            buf_putc(&inner, literal.at[++i]);
        else if (c == '\'')
            i++;
    }
    return !inner.failed && my_text_value(buf_view(&inner), out, &null);
}

static bool is_utf8(struct span s)
{
    while (s.len) {
        size_t len = span_utf8(s);
        if (!len)
            return false;
        s = (struct span){s.at + len, s.len - len};
    }
    return true;
}

static bool literal_bytes(struct span literal, struct buf *out)
{
    AUTO(buf) struct buf value = {0};

    if (is_utf8(literal))
        return buf_span(out, literal);
    if (!literal_value(literal, &value))
        return false;
    buf_puts(out, "x'");
    for (size_t i = 0; i < value.len; i++)
        buf_printf(out, "%02X", (unsigned char)value.at[i]);
    return buf_putc(out, '\'');
}

bool my_ddl_bytes(struct span create, struct buf *out)
{
    for (size_t i = 0; i < create.len; i++) {
        char c = create.at[i];
        struct span rest = {create.at + i, create.len - i};
        size_t quoted = c == '`' || c == '\'' ? quoted_len(rest) : 0;
        if (!quoted) {
            buf_putc(out, c);
            continue;
        }
        rest.len = quoted;
        if (c == '`' ? !buf_span(out, rest) : !literal_bytes(rest, out))
            return false;
        i += quoted - 1;
    }
    return !out->failed;
}
