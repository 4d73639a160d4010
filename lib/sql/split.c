#include "lib/sql/split.h"

#include "lib/base/auto.h"
#include "lib/sql/lex.h"
#include "lib/sql/modes.h"
#include "lib/sql/routine.h"

/* One statement in the making. */
struct making {
    struct sql_splitter *s;
    struct lex lex;
    struct lexeme l;
    const char *first, *last; /* first token, end of the last one */
    const char *counted;      /* lines are counted up to here */
    unsigned line, first_line;
    /* PostgreSQL */
    unsigned paren, words, atomic;
    bool routine, copy, copy_from, copy_stdin, plain_next, after_begin;
    /* MariaDB */
    struct routine body;
};

void sql_split_init(struct sql_splitter *s, enum sql_dialect dialect, struct span text)
{
    *s = (struct sql_splitter){.dialect = dialect, .rest = text, .line = 1, .delimiter = ";"};
    s->no_backslash_escapes = dialect == SQL_POSTGRESQL;
    if (span_starts(text, "\xEF\xBB\xBF"))
        s->rest = (struct span){text.at + 3, text.len - 3};
}

/* The line that `at` stands on; only forward. */
static unsigned line_of(struct making *m, const char *at)
{
    while (m->counted < at) {
        const char *nl = memchr(m->counted, '\n', (size_t)(at - m->counted));
        if (!nl)
            break;
        m->line++;
        m->counted = nl + 1;
    }
    m->counted = at;
    return m->line;
}

static void restart(struct making *m)
{
    m->first = m->last = NULL;
    m->paren = m->words = m->atomic = 0;
    m->routine = m->copy = m->copy_from = m->copy_stdin = m->plain_next = m->after_begin = false;
    m->body = (struct routine){0};
    m->lex.fresh = true;
}

/* What is behind `at` is the splitter's rest. */
static void consume(struct making *m, const char *at)
{
    m->s->line = line_of(m, at);
    m->s->rest = (struct span){at, (size_t)(m->lex.end - at)};
}

/* ---- client commands ---------------------------------------------------------------------------*/

static struct span rest_of_line(const struct making *m)
{
    size_t left = (size_t)(m->lex.end - m->lex.at);
    const char *nl = left ? memchr(m->lex.at, '\n', left) : NULL;

    return (struct span){m->lex.at, nl ? (size_t)(nl - m->lex.at) : left};
}

static struct span first_word(struct span s)
{
    size_t n = 0;

    s = span_trim(s);
    while (n < s.len && !strchr(" \t\r\n", s.at[n]))
        n++;
    return (struct span){s.at, n};
}

/* Only psql's own guard against injected commands is harmless enough to skip. */
static bool meta_command(struct making *m, struct err *err)
{
    struct span line = rest_of_line(m), word = first_word(line);
    unsigned n = line_of(m, m->l.text.at);
    bool own_line = !m->first && word.at == line.at;

    if (m->s->dialect == SQL_POSTGRESQL && own_line &&
        (span_is(word, "restrict") || span_is(word, "unrestrict"))) {
        m->lex.at = line.at + line.len;
        return true;
    }
    err_set(err, ERR_SQL, "line %u: client command '\\%.*s' is not understood", n,
            (int)(word.len > 30 ? 30 : word.len), word.at);
    return err_hint(err, "write it as SQL, or remove the line");
}

/* DELIMITER x; where the line ends at once, x is the first word of the next line. */
static bool delimiter_command(struct making *m, struct err *err)
{
    unsigned n = line_of(m, m->l.text.at);
    struct span line = rest_of_line(m), word = first_word(line);

    if (word.len == 0 && line.at + line.len < m->lex.end) {
        m->lex.at = line.at + line.len + 1;
        line = rest_of_line(m);
        word = first_word(line);
    }
    if (word.len >= 2 && (*word.at == '"' || *word.at == '\'') && word.at[word.len - 1] == *word.at)
        word = (struct span){word.at + 1, word.len - 2};
    if (word.len == 0 || word.len >= sizeof(m->s->delimiter) || memchr(word.at, '\\', word.len) ||
        memchr(word.at, '\0', word.len)) {
        err_set(err, ERR_SQL, "line %u: DELIMITER wants one word of 1 to %zu bytes", n,
                sizeof(m->s->delimiter) - 1);
        return err_hint(err, "DELIMITER // for example");
    }
    memcpy(m->s->delimiter, word.at, word.len);
    m->s->delimiter[word.len] = '\0';
    m->lex.delimiter = span_of(m->s->delimiter);
    m->lex.at = line.at + line.len;
    return true;
}

/* Commands of the mariadb client that are no SQL. Without this one of them would swallow the
 * statement that follows it. */
static bool client_command(struct making *m, struct err *err)
{
    static const char *const words[] = {"source",  "system",  "tee",      "notee",     "pager",
                                        "nopager", "edit",    "rehash",   "prompt",    "print",
                                        "ego",     "go",      "exit",     "quit",      "clear",
                                        "status",  "connect", "warnings", "nowarning", NULL};

    for (size_t i = 0; words[i]; i++) {
        if (!span_is_nocase(m->l.text, words[i]))
            continue;
        err_set(err, ERR_SQL, "line %u: client command '%s' is not understood",
                line_of(m, m->l.text.at), words[i]);
        return err_hint(err, "write it as SQL, or remove the line");
    }
    return true;
}

/* ---- PostgreSQL --------------------------------------------------------------------------------*/

/* CREATE [OR REPLACE] FUNCTION or PROCEDURE: only these have BEGIN ATOMIC. */
static void note_routine(struct making *m)
{
    static const char *const made[] = {"function", "procedure"};
    bool counts = false;

    if (m->words == 0)
        counts = span_is_nocase(m->l.text, "create");
    else if (m->words == 1 || m->words == 2)
        counts = span_is_nocase(m->l.text, m->words == 1 ? "or" : "replace");
    for (size_t i = 0; i < COUNT(made) && (m->words == 1 || m->words == 3); i++)
        m->routine |= span_is_nocase(m->l.text, made[i]);
    m->words = counts ? m->words + 1 : 100;
}

static void note_copy(struct making *m)
{
    if (m->first == m->l.text.at)
        m->copy = span_is_nocase(m->l.text, "copy");
    if (!m->copy || m->paren)
        return;
    m->copy_stdin |= m->copy_from && span_is_nocase(m->l.text, "stdin");
    m->copy_from = span_is_nocase(m->l.text, "from");
}

/* CASE and END may be labels behind AS, and columns behind a dot. */
static void pg_word(struct making *m)
{
    bool is_name = m->plain_next, begun = m->after_begin;

    m->plain_next = span_is_nocase(m->l.text, "as");
    m->after_begin = false;
    note_copy(m);
    if (m->words < 100)
        note_routine(m);
    if (!m->routine || is_name || m->paren)
        return;
    m->after_begin = span_is_nocase(m->l.text, "begin");
    if (begun && span_is_nocase(m->l.text, "atomic"))
        m->atomic++;
    else if (m->atomic && span_is_nocase(m->l.text, "case"))
        m->atomic++;
    else if (m->atomic && span_is_nocase(m->l.text, "end"))
        m->atomic--;
}

static bool pg_punct(struct making *m)
{
    char c = *m->l.text.at;

    m->plain_next = c == '.';
    m->after_begin = m->copy_from = false;
    if (c == '(')
        m->paren++;
    if (c == ')' && m->paren > 0)
        m->paren--;
    return c == ';' && m->paren == 0 && m->atomic == 0;
}

/* True when the lexeme ends the statement. */
static bool pg_feed(struct making *m)
{
    if (m->l.kind == LEX_PUNCT)
        return pg_punct(m);
    if (m->l.kind == LEX_WORD) {
        pg_word(m);
    } else {
        m->plain_next = m->after_begin = m->copy_from = false;
        m->words = 100;
    }
    return false;
}

/* The data begin on the line behind the statement and end before a line that is "\." alone. */
static bool copy_data(struct making *m, struct sql_statement *out, struct err *err)
{
    unsigned n = line_of(m, m->lex.at);
    struct span line = rest_of_line(m), rest = span_trim(line);

    if (rest.len && !span_starts(rest, "--"))
        return err_set(err, ERR_SQL, "line %u: text behind COPY ... FROM stdin on the same line",
                       n);
    const char *from = line.at + line.len, *p;
    from += from < m->lex.end;
    for (p = from; p < m->lex.end; p = m->lex.at) {
        m->lex.at = p;
        line = rest_of_line(m);
        m->lex.at = line.at + line.len < m->lex.end ? line.at + line.len + 1 : m->lex.end;
        if (span_ends(line, "\r"))
            line.len--;
        if (line.len == 2 && line.at[0] == '\\' && line.at[1] == '.') {
            out->copy_data = (struct span){from, (size_t)(p - from)};
            return true;
        }
    }
    err_set(err, ERR_SQL, "line %u: the data of COPY ... FROM stdin have no end", n);
    return err_hint(err, "a line of \\. alone ends them; the file may be cut");
}

/* ---- MariaDB -----------------------------------------------------------------------------------*/

/* A semicolon inside a versioned comment or a body is part of it; any other delimiter is obeyed
 * everywhere, as the client does. */
static bool my_feed(struct making *m)
{
    bool semicolon = m->lex.delimiter.len == 1 && *m->lex.delimiter.at == ';';

    if (m->l.kind == LEX_DELIMITER &&
        (!semicolon || (!m->lex.version_depth && !routine_open(&m->body))))
        return true;
    if (semicolon)
        routine_feed(&m->body, &m->l);
    return false;
}

/* ---- both --------------------------------------------------------------------------------------*/

/* Statements that begin with no SQL of their own. *handled: the lexeme is done with. */
static bool begin_statement(struct making *m, bool *handled, struct err *err)
{
    *handled = false;
    if (m->s->dialect == SQL_MARIADB && m->l.kind == LEX_WORD) {
        if (span_is_nocase(m->l.text, "delimiter")) {
            *handled = true;
            return delimiter_command(m, err);
        }
        if (!client_command(m, err))
            return false;
    }
    m->first = m->l.text.at;
    m->first_line = line_of(m, m->first);
    m->lex.fresh = false;
    return true;
}

/* At the end of the text. */
static bool check_closed(struct making *m, struct err *err)
{
    if (m->paren)
        return err_set(err, ERR_SQL, "line %u: a parenthesis in this statement is not closed",
                       m->first_line);
    if (m->atomic || routine_open(&m->body))
        return err_set(err, ERR_SQL, "line %u: the body that begins in this statement has no END",
                       m->first_line);
    if (m->lex.version_depth)
        return err_set(err, ERR_SQL, "line %u: a versioned comment in this statement is not closed",
                       m->first_line);
    return true;
}

static bool finish(struct making *m, struct sql_statement *out, struct err *err)
{
    struct sql_statement st = {.text = {m->first, (size_t)(m->last - m->first)},
                               .line = m->first_line};

    if (m->copy_stdin && !copy_data(m, &st, err))
        return false;
    consume(m, m->lex.at);
    modes_follow(m->s, st.text);
    *out = st;
    return true;
}

/* One lexeme. *done: the statement is complete. */
static bool step(struct making *m, bool *done, struct err *err)
{
    bool handled = false;

    if (m->l.kind == LEX_UNCLOSED)
        return err_set(err, ERR_SQL, "line %u: a %s is not closed", line_of(m, m->l.text.at),
                       m->l.what);
    if (m->l.kind == LEX_BACKSLASH)
        return meta_command(m, err);
    if (!m->first && m->l.kind != LEX_DELIMITER && !span_is(m->l.text, ";") &&
        !begin_statement(m, &handled, err))
        return false;
    if (handled)
        return true;
    *done = m->s->dialect == SQL_POSTGRESQL ? pg_feed(m) : my_feed(m);
    if (m->body.too_deep)
        return err_set(err, ERR_SQL, "line %u: blocks are nested more than %d deep", m->first_line,
                       ROUTINE_DEPTH_MAX);
    if (!*done)
        m->last = m->lex.at;
    return true;
}

static void prepare(struct making *m)
{
    struct sql_splitter *s = m->s;

    if (!s->started) {
        s->outer_ansi_quotes = s->ansi_quotes;
        s->outer_no_backslash_escapes = s->no_backslash_escapes;
        s->started = true;
    }
    m->lex = (struct lex){.dialect = s->dialect,
                          .ansi_quotes = s->ansi_quotes,
                          .no_backslash_escapes = s->no_backslash_escapes,
                          .at = s->rest.at,
                          .end = s->rest.at + s->rest.len};
    if (s->dialect == SQL_MARIADB)
        m->lex.delimiter = span_of(s->delimiter);
    m->counted = s->rest.at;
    m->line = s->line;
    restart(m);
}

bool sql_split_next(struct sql_splitter *s, struct sql_statement *out, bool *more, struct err *err)
{
    struct making m = {.s = s};

    *more = false;
    if (s->rest.len == 0)
        return true;
    prepare(&m);
    while ((m.l = lex_next(&m.lex)).kind != LEX_END) {
        bool done = false;

        if (m.l.kind == LEX_SPACE)
            continue;
        if (!step(&m, &done, err))
            return false;
        if (done && m.first)
            break;
        if (done)
            restart(&m);
    }
    if (!m.first) {
        consume(&m, m.lex.end);
        return true;
    }
    if (m.l.kind == LEX_END && !check_closed(&m, err))
        return false;
    *more = finish(&m, out, err);
    return *more;
}

bool sql_each(enum sql_dialect dialect, struct span text,
              bool (*each)(void *ctx, const struct sql_statement *st, struct err *err), void *ctx,
              struct err *err)
{
    struct sql_splitter split;
    struct sql_statement st;
    bool more = true;

    sql_split_init(&split, dialect, text);
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return false;
        if (!more)
            return true;
        if (!each(ctx, &st, err))
            return false;
    }
}
