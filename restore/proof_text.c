/* Schema texts: statements, and lines of SHOW CREATE, as multisets; differences are named by how
 * they begin, which holds no data. */
#include "restore/proof_part.h"

#include "lib/base/json.h"
#include "lib/sql/split.h"
#include "restore/pg_text.h"

#include <ctype.h>

#define HEAD_SHOWN 120u

struct piece {
    struct span text;
    char *head;   /* what it is about; once it is to be told */
    char *folded; /* what text borrows from once signs are folded */
    bool matched;
};

static void pieces_done(struct vec *v)
{
    struct piece *p = v->at;

    for (size_t i = 0; i < v->count; i++) {
        free(p[i].head);
        free(p[i].folded);
    }
    vec_done(v);
}

static inline void auto_pieces(struct vec *v)
{
    pieces_done(v);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* A sequence is named by the first argument of its setval(); rights on columns have parentheses. */
static bool ends_head(char c, bool sequence, bool right)
{
    return sequence ? c == ',' : !right && c == '(';
}

/* In one line, up to the first parenthesis; of a setval() the string in it. */
static char *head_of(struct span text)
{
    static const char setval[] = "SELECT pg_catalog.setval(";
    AUTO(buf) struct buf out = {0};
    bool sequence = span_starts(text, setval);
    bool right = span_starts(text, "GRANT ") || span_starts(text, "REVOKE ");

    buf_puts(&out, sequence ? "sequence " : "");
    for (size_t i = sequence ? strlen(setval) : 0; i < text.len && out.len < HEAD_SHOWN; i++) {
        char c = text.at[i];
        if (ends_head(c, sequence, right))
            break;
        if (!is_space(c))
            buf_putc(&out, c);
        else if (out.len && out.at[out.len - 1] != ' ')
            buf_putc(&out, ' ');
    }
    while (out.len && out.at[out.len - 1] == ' ')
        out.at[--out.len] = '\0';
    if (!out.len)
        buf_puts(&out, "(");
    return buf_take(&out);
}

static bool add_piece(struct vec *v, struct span text, struct err *err)
{
    struct piece *p = vec_add(v, err);

    if (!p)
        return false;
    *p = (struct piece){.text = text};
    return true;
}

static int by_text(const void *a, const void *b)
{
    return span_cmp(((const struct piece *)a)->text, ((const struct piece *)b)->text);
}

static void sort(struct vec *v)
{
    if (v->count)
        qsort(v->at, v->count, v->item, by_text);
}

static void keep_unmatched(struct vec *v)
{
    struct piece *p = v->at;
    size_t kept = 0;

    for (size_t i = 0; i < v->count; i++)
        if (p[i].matched)
            free(p[i].folded);
        else
            p[kept++] = p[i];
    v->count = kept;
}

/* What is on both sides is matched, as often as it is there; what is left is in order. */
static void match(struct vec *left, struct vec *right)
{
    struct piece *a = left->at, *b = right->at;
    size_t i = 0, j = 0;

    sort(left);
    sort(right);
    while (i < left->count && j < right->count) {
        int order = span_cmp(a[i].text, b[j].text);
        if (order == 0)
            a[i].matched = b[j].matched = true;
        i += order <= 0;
        j += order >= 0;
    }
    keep_unmatched(left);
    keep_unmatched(right);
}

static bool add_heads(struct vec *v, struct err *err)
{
    struct piece *p = v->at;

    for (size_t i = 0; i < v->count; i++) {
        p[i].head = head_of(p[i].text);
        if (!p[i].head)
            return err_memory(err);
    }
    return true;
}

/* The same head on both sides: changed. */
static struct piece *other_half(struct vec *v, const char *head)
{
    struct piece *p = v->at;

    for (size_t i = 0; i < v->count; i++)
        if (!p[i].matched && strcmp(p[i].head, head) == 0)
            return &p[i];
    return NULL;
}

/* What has no match. */
static bool tell(struct proof_part *p, const char *what, struct vec *bundle, struct vec *box,
                 struct err *err)
{
    struct piece *a = bundle->at, *b = box->at;

    if (!add_heads(bundle, err) || !add_heads(box, err))
        return false;
    for (size_t i = 0; i < bundle->count; i++) {
        struct piece *other = other_half(box, a[i].head);
        if (other)
            other->matched = true;
        if (!proof_note_kind(p, what, span_of(a[i].head), other ? "changed" : "missing", err))
            return false;
    }
    for (size_t i = 0; i < box->count; i++)
        if (!b[i].matched && !proof_note_kind(p, what, span_of(b[i].head), "extra", err))
            return false;
    return true;
}

/* Settings of the session that runs the text: tablespaces go to the default by design. */
static bool is_session(struct span text)
{
    return span_starts(text, "SET ") || span_starts(text, "SELECT pg_catalog.set_config(");
}

static bool add_statement(void *ctx, const struct sql_statement *st, struct err *err)
{
    return is_session(st->text) || add_piece(ctx, st->text, err);
}

static bool split(struct span text, struct vec *out, struct err *err)
{
    return sql_each(SQL_POSTGRESQL, text, add_statement, out, err);
}

/* ---- rights ------------------------------------------------------------------------------------*/

/* The list of rights in a GRANT or REVOKE, up to its ON. */
static bool rights_of(struct span sql, struct span *list)
{
    struct span rest = sql, token = {0};
    bool found = sql_starts(SQL_POSTGRESQL, sql, "grant") ||
                 sql_starts(SQL_POSTGRESQL, sql, "revoke") ||
                 sql_starts(SQL_POSTGRESQL, sql, "alter default privileges");
    enum sql_token kind = SQL_END;

    while (found && (kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END)
        if (kind == SQL_WORD && (span_is(token, "GRANT") || span_is(token, "REVOKE")))
            break;
    if (kind == SQL_END)
        return false;
    list->at = rest.at;
    while ((kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END)
        if (kind == SQL_WORD && span_is(token, "ON"))
            break;
    list->len = kind == SQL_END ? 0 : (size_t)(token.at - list->at);
    return list->len > 0;
}

/* Up to the next comma outside of parentheses; takes it off *list. */
static struct span next_right(struct span *list)
{
    struct span rest = *list, token = {0}, right = *list;
    int depth = 0;

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        depth += span_is(token, "(") - span_is(token, ")");
        if (depth || !span_is(token, ","))
            continue;
        right.len = (size_t)(token.at - right.at);
        break;
    }
    *list = right.len < list->len ? rest : (struct span){0};
    return span_trim(right);
}

/* A statement for each right, so that the one that differs is named. */
static void spread(struct span sql, struct span list, struct span grantor, struct buf *out)
{
    struct span head = {sql.at, (size_t)(list.at - sql.at)};
    struct span tail = {list.at + list.len, sql.len - head.len - list.len};

    while (list.at) {
        buf_span(out, head);
        buf_putc(out, ' ');
        buf_span(out, next_right(&list));
        buf_putc(out, ' ');
        buf_span(out, tail);
        if (grantor.len)
            buf_printf(out, " GRANTED BY %.*s", (int)grantor.len, grantor.at);
        buf_puts(out, ";\n");
    }
}

struct spreading {
    struct buf *out;
    struct span grantor; /* "": the owner */
};

static bool spread_one(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct spreading *s = ctx;
    struct buf *out = s->out;
    struct span list;

    if (pg_text_grantor(st->text, &s->grantor))
        return true;
    if (rights_of(st->text, &list)) {
        spread(st->text, list, s->grantor, out);
    } else {
        buf_span(out, st->text);
        buf_puts(out, ";\n");
    }
    return buf_ok(out, err);
}

static bool spread_rights(struct span text, struct buf *out, struct err *err)
{
    struct spreading s = {.out = out};

    return sql_each(SQL_POSTGRESQL, text, spread_one, &s, err);
}

/* ---- signs -------------------------------------------------------------------------------------*/

static struct span skip(struct span text, size_t n)
{
    return (struct span){text.at + n, text.len - n};
}

/* A number without sign and exponent. */
static bool is_number(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isdigit((unsigned char)text.at[i]) && text.at[i] != '.')
            return false;
    return text.len > 0;
}

static bool is_zero(struct span number)
{
    for (size_t i = 0; i < number.len; i++)
        if (number.at[i] != '0' && number.at[i] != '.')
            return false;
    return true;
}

/* As PostgreSQL writes it of a constant. Without its type it writes only those of two. */
static void put_negative(struct buf *out, struct span number)
{
    const char *type = memchr(number.at, '.', number.len) ? "numeric" : "integer";

    if (is_zero(number))
        buf_span(out, number);
    else
        buf_printf(out, "'-%.*s'::%s", (int)number.len, number.at, type);
}

/* "(- 5)" at the front: its number, and how long it is; 0: something else. */
static size_t applied_len(struct span text, struct span *number)
{
    struct span rest = text, token;

    if (!span_starts(text, "(- "))
        return 0;
    rest = skip(rest, strlen("(- "));
    if (sql_token_next(SQL_POSTGRESQL, &rest, number) != SQL_NUMBER || !is_number(*number) ||
        sql_token_next(SQL_POSTGRESQL, &rest, &token) == SQL_END || !span_is(token, ")"))
        return 0;
    return (size_t)(rest.at - text.at);
}

/* PostgreSQL says "(- 5)" of a sign that was applied to a constant, and of the same expression once
 * it has read that "'-5'::integer": the former becomes the latter. Strings and quoted names are
 * tokens: what stands in them stays. */
static bool fold_signs(struct span text, struct buf *out, struct err *err)
{
    struct span rest = text, token, number;

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        buf_span(out, (struct span){text.at, (size_t)(token.at - text.at)});
        text = skip(text, (size_t)(token.at - text.at));
        size_t n = applied_len(text, &number);

        if (n)
            put_negative(out, number);
        else
            buf_span(out, token);
        text = rest = skip(text, n ? n : token.len);
    }
    buf_span(out, text);
    return buf_ok(out, err);
}

static bool fold_pieces(struct vec *v, struct err *err)
{
    struct piece *p = v->at;

    for (size_t i = 0; i < v->count; i++) {
        AUTO(buf) struct buf folded = {0};

        if (!fold_signs(p[i].text, &folded, err))
            return false;
        size_t len = folded.len;
        p[i].folded = buf_take(&folded);
        p[i].text = (struct span){p[i].folded, len};
    }
    return true;
}

bool proof_statements(struct proof_part *p, const char *what, struct span bundle, struct span box,
                      struct err *err)
{
    AUTO(pieces) struct vec left = VEC(struct piece);
    AUTO(pieces) struct vec right = VEC(struct piece);
    AUTO(buf) struct buf rights = {0}, rights_box = {0};

    if (!spread_rights(bundle, &rights, err) || !spread_rights(box, &rights_box, err) ||
        !split(buf_view(&rights), &left, err) || !split(buf_view(&rights_box), &right, err))
        return false;
    match(&left, &right);
    if (!fold_pieces(&left, err) || !fold_pieces(&right, err))
        return false;
    match(&left, &right);
    return tell(p, what, &left, &right, err);
}

/* ---- lines -------------------------------------------------------------------------------------*/

/* Columns keep their order; keys that a restore adds later may not. */
static bool lines(struct span text, struct vec *out, struct buf *columns, struct err *err)
{
    struct span line;

    while (span_split(&text, '\n', &line)) {
        line = span_trim(line);
        if (line.len && line.at[line.len - 1] == ',')
            line.len--;
        if (!add_piece(out, line, err))
            return false;
        if (line.len && line.at[0] == '`') {
            buf_span(columns, line);
            buf_putc(columns, '\n');
        }
    }
    return buf_ok(columns, err);
}

/* How a table of old files keeps times; one made anew keeps the same times in today's form. */
static bool drop_old_form(struct span text, struct buf *out, struct err *err)
{
    static const char old_form[] = " /* mariadb-5.3 */";

    while (text.len) {
        if (span_starts(text, old_form))
            text = skip(text, strlen(old_form));
        const char *next = memchr(text.at + 1, ' ', text.len ? text.len - 1 : 0);
        size_t n = next ? (size_t)(next - text.at) : text.len;
        buf_span(out, (struct span){text.at, n});
        text = skip(text, n);
    }
    return buf_ok(out, err);
}

bool proof_lines(struct proof_part *p, const char *what, const char *subject, struct span bundle,
                 struct span box, struct err *err)
{
    AUTO(pieces) struct vec left = VEC(struct piece);
    AUTO(pieces) struct vec right = VEC(struct piece);
    AUTO(buf) struct buf left_columns = {0}, right_columns = {0}, name = {0};
    AUTO(buf) struct buf left_text = {0}, right_text = {0};

    buf_printf(&name, "%s %s:", what, subject);
    if (!buf_ok(&name, err) || !drop_old_form(bundle, &left_text, err) ||
        !drop_old_form(box, &right_text, err) ||
        !lines(buf_view(&left_text), &left, &left_columns, err) ||
        !lines(buf_view(&right_text), &right, &right_columns, err))
        return false;
    match(&left, &right);
    if (left.count || right.count)
        return tell(p, buf_str(&name), &left, &right, err);
    if (span_eq(buf_view(&left_columns), buf_view(&right_columns)))
        return true;
    return proof_note_kind(p, what, span_of(subject), "order of columns changed", err);
}
