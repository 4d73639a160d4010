#include "lib/sql/routine.h"

#include "lib/base/auto.h"

enum phase {
    PHASE_FIRST,
    PHASE_KIND,
    PHASE_HEAD,
    PHASE_CHARACTERISTICS,
    PHASE_RETURN, /* a function's RETURN: its value, or in Oracle mode its type */
    PHASE_BODY,
    PHASE_PLAIN
};
enum kind { KIND_NONE, KIND_PROCEDURE, KIND_FUNCTION, KIND_TRIGGER, KIND_EVENT, KIND_PACKAGE };
enum block {
    BLOCK_BEGIN,
    BLOCK_IF,
    BLOCK_CASE,
    BLOCK_CASE_VALUE, /* CASE in an expression */
    BLOCK_LOOP,
    BLOCK_WHILE,
    BLOCK_REPEAT,
    BLOCK_FOR,
    BLOCK_DECLARE, /* Oracle mode: AS ... BEGIN */
};
enum handler { HANDLER_NONE, HANDLER_DECLARED, HANDLER_WANTS, HANDLER_HAS };

static bool is(const struct lexeme *l, const char *text)
{
    return span_is_nocase(l->text, text);
}

static bool any(const struct lexeme *l, const char *const *words)
{
    for (; *words; words++)
        if (is(l, *words))
            return true;
    return false;
}

static bool top_is(const struct routine *r, enum block b)
{
    return r->depth > 0 && r->stack[r->depth - 1] == b;
}

static void push(struct routine *r, enum block b)
{
    if (r->depth == ROUTINE_DEPTH_MAX)
        r->too_deep = true;
    else
        r->stack[r->depth++] = (unsigned char)b;
}

static const struct {
    const char *word;
    enum block block;
    bool starts; /* a statement begins right behind it */
} openers[] = {
    {"IF", BLOCK_IF, false},       {"CASE", BLOCK_CASE, false},    {"LOOP", BLOCK_LOOP, true},
    {"WHILE", BLOCK_WHILE, false}, {"REPEAT", BLOCK_REPEAT, true}, {"FOR", BLOCK_FOR, false},
};

static int opener(const struct lexeme *l)
{
    for (int i = 0; i < (int)COUNT(openers); i++)
        if (is(l, openers[i].word))
            return i;
    return -1;
}

static void begin_body(struct routine *r)
{
    r->phase = PHASE_BODY;
    r->at_start = true;
}

/* ---- body --------------------------------------------------------------------------------------*/

static void body_begin(struct routine *r)
{
    if (top_is(r, BLOCK_DECLARE))
        r->stack[r->depth - 1] = BLOCK_BEGIN;
    else
        push(r, BLOCK_BEGIN);
    r->at_start = true;
}

/* Whether END ends something here: where a statement may begin, behind UNTIL's condition, and in a
 * CASE expression where an operator could stand. */
static bool ends(const struct routine *r, bool start)
{
    if (r->depth == 0)
        return false;
    if (top_is(r, BLOCK_CASE_VALUE))
        return !r->operand;
    return start || (top_is(r, BLOCK_REPEAT) && r->until && !r->operand);
}

static void body_end(struct routine *r)
{
    r->after_end = !top_is(r, BLOCK_CASE_VALUE);
    r->until = false;
    r->operand = false;
    r->depth--;
}

/* The words that a statement may follow. */
static bool leads_statement(const struct routine *r, const struct lexeme *l, bool start)
{
    static const char *const words[] = {"THEN", "ELSE", "ATOMIC", NULL};

    if (any(l, words) || (is(l, "DO") && !start))
        return true;
    return is(l, "LOOP") && (top_is(r, BLOCK_WHILE) || top_is(r, BLOCK_FOR));
}

static void body_middle(struct routine *r, const struct lexeme *l, bool start)
{
    if (leads_statement(r, l, start))
        r->at_start = true;
    else if (is(l, "UNTIL") && top_is(r, BLOCK_REPEAT))
        r->until = true;
    else if (is(l, "HANDLER") && r->declare)
        r->handler = HANDLER_DECLARED;
    else if (is(l, "FOR") && r->handler == HANDLER_DECLARED)
        r->handler = HANDLER_WANTS;
    else if (r->nested && (is(l, "AS") || is(l, "IS"))) {
        r->nested = false;
        push(r, BLOCK_DECLARE);
        r->at_start = true;
    }
}

/* A statement's first word. True when that was all there is to it. */
static bool body_start(struct routine *r, const struct lexeme *l)
{
    int i = opener(l);

    if (is(l, "BEGIN"))
        return body_begin(r), true;
    if (i >= 0) {
        push(r, openers[i].block);
        r->at_start = openers[i].starts;
        return true;
    }
    r->declare = is(l, "DECLARE");
    if (top_is(r, BLOCK_DECLARE) && (is(l, "PROCEDURE") || is(l, "FUNCTION")))
        r->nested = true;
    return false;
}

/* DECLARE ... HANDLER FOR condition, condition ... statement: true when `l` is that statement's
 * first token. */
static bool handler_ends(struct routine *r, const struct lexeme *l)
{
    static const char *const parts[] = {"SQLSTATE", "VALUE", "NOT", NULL};

    if (r->handler == HANDLER_WANTS) {
        if (l->kind != LEX_WORD || !any(l, parts))
            r->handler = HANDLER_HAS;
        return false;
    }
    if (l->kind == LEX_PUNCT && is(l, ",")) {
        r->handler = HANDLER_WANTS;
        return false;
    }
    r->handler = HANDLER_NONE;
    return true;
}

static void body_word(struct routine *r, const struct lexeme *l)
{
    bool start = r->at_start, ended = r->after_end;

    r->at_start = r->after_end = false;
    if (ended && opener(l) >= 0)
        return;
    if (r->handler >= HANDLER_WANTS) {
        start = handler_ends(r, l);
        if (r->handler)
            return;
    }
    if (is(l, "END") && ends(r, start)) {
        body_end(r);
        return;
    }
    if (start && body_start(r, l))
        return;
    if (is(l, "CASE"))
        push(r, BLOCK_CASE_VALUE);
    else if (!top_is(r, BLOCK_CASE_VALUE))
        body_middle(r, l, start);
}

/* Words behind which an expression goes on with a value. */
static bool wants_operand(const struct lexeme *l)
{
    static const char *const words[] = {"WHEN", "THEN", "ELSE",  "CASE", "AND",     "OR",
                                        "NOT",  "XOR",  "LIKE",  "IN",   "BETWEEN", "DIV",
                                        "MOD",  "AS",   "UNTIL", NULL};

    if (l->kind == LEX_WORD)
        return any(l, words);
    return l->kind == LEX_PUNCT && !is(l, ")");
}

static void body_punct(struct routine *r, const struct lexeme *l)
{
    bool in_value = top_is(r, BLOCK_CASE_VALUE);

    if (r->handler >= HANDLER_WANTS)
        handler_ends(r, l);
    r->at_start = !in_value && (is(l, ";") || is(l, ":"));
    r->after_end = false;
    if (is(l, ";"))
        r->declare = r->nested = r->until = false;
    r->skip = is(l, ".");
}

static void body(struct routine *r, const struct lexeme *l)
{
    if (l->kind == LEX_PUNCT || l->kind == LEX_DELIMITER) {
        body_punct(r, l);
    } else if (l->kind == LEX_WORD && !r->skip) {
        body_word(r, l);
    } else {
        if (r->handler >= HANDLER_WANTS)
            handler_ends(r, l);
        r->at_start = r->after_end = r->skip = false;
    }
    r->operand = wants_operand(l);
}

/* ---- what kind of statement it is --------------------------------------------------------------*/

static void first(struct routine *r, const struct lexeme *l)
{
    static const char *const makers[] = {"CREATE", "ALTER", NULL};

    if (l->kind != LEX_WORD)
        r->phase = PHASE_PLAIN;
    else if (any(l, makers))
        r->phase = PHASE_KIND;
    else if (is(l, "BEGIN"))
        r->phase = PHASE_HEAD; /* BEGIN NOT ATOMIC; else a transaction */
    else if (opener(l) >= 0) {
        begin_body(r);
        body(r, l);
    } else {
        r->phase = PHASE_PLAIN;
    }
}

static void find_kind(struct routine *r, const struct lexeme *l)
{
    static const struct {
        const char *word;
        enum kind kind;
    } kinds[] = {
        {"PROCEDURE", KIND_PROCEDURE}, {"FUNCTION", KIND_FUNCTION}, {"TRIGGER", KIND_TRIGGER},
        {"EVENT", KIND_EVENT},         {"PACKAGE", KIND_PACKAGE},
    };
    static const char *const others[] = {
        "TABLE",     "VIEW",       "DATABASE", "SCHEMA", "INDEX",    "USER",
        "ROLE",      "SERVER",     "SEQUENCE", "UNIQUE", "FULLTEXT", "SPATIAL",
        "TEMPORARY", "TABLESPACE", "LOGFILE",  "ONLINE", NULL};

    if (l->kind == LEX_PUNCT && (is(l, "=") || is(l, "@"))) {
        r->skip = true; /* DEFINER = event@trigger */
        return;
    }
    if (r->skip || l->kind != LEX_WORD) {
        r->skip = false;
        return;
    }
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (is(l, kinds[i].word)) {
            r->kind = (unsigned char)kinds[i].kind;
            r->phase = PHASE_HEAD;
            r->skip = kinds[i].kind != KIND_PACKAGE; /* its name, unless IF NOT EXISTS comes */
            return;
        }
    }
    if (any(l, others) || ++r->words > 16)
        r->phase = PHASE_PLAIN;
}

/* ---- head --------------------------------------------------------------------------------------*/

static void declare_block(struct routine *r)
{
    begin_body(r);
    push(r, BLOCK_DECLARE);
}

/* PROCEDURE and FUNCTION: what may stand between the parameters and the body. */
static void characteristics(struct routine *r, const struct lexeme *l)
{
    static const char *const known[] = {
        "COMMENT", "LANGUAGE", "SQL",  "NOT",      "DETERMINISTIC", "CONTAINS", "NO",
        "READS",   "MODIFIES", "DATA", "SECURITY", "DEFINER",       "INVOKER",  NULL};
    bool procedure = r->kind == KIND_PROCEDURE;

    if (is(l, "SONAME")) {
        r->phase = PHASE_PLAIN;
    } else if (is(l, "AS") || is(l, "IS")) {
        declare_block(r);
    } else if (!procedure && is(l, "RETURN")) {
        r->phase = PHASE_RETURN;
    } else if (procedure ? !any(l, known) : is(l, "BEGIN") || opener(l) >= 0) {
        begin_body(r);
        body(r, l);
    }
}

/* RETURN a IS NULL is a value; RETURN INT IS begins a block. */
static void return_word(struct routine *r, const struct lexeme *l)
{
    static const char *const tests[] = {"NULL", "NOT", "TRUE", "FALSE", "UNKNOWN", NULL};

    if (r->nested && !any(l, tests)) {
        r->nested = false;
        declare_block(r);
        body(r, l);
    } else if (is(l, "AS")) {
        declare_block(r);
    } else {
        r->nested = is(l, "IS");
    }
}

static void head_word(struct routine *r, const struct lexeme *l)
{
    bool oracle = is(l, "AS") || is(l, "IS");

    switch ((enum kind)r->kind) {
    case KIND_NONE: /* BEGIN ... */
        if (!is(l, "NOT")) {
            r->phase = PHASE_PLAIN;
            return;
        }
        begin_body(r);
        push(r, BLOCK_BEGIN);
        return;
    case KIND_TRIGGER: /* FOR EACH ROW [FOLLOWS name] */
        if (is(l, "ROW"))
            begin_body(r);
        return;
    case KIND_EVENT:
        if (is(l, "DO"))
            begin_body(r);
        return;
    case KIND_FUNCTION: /* a loadable function has no parameters, and no body either */
    case KIND_PROCEDURE:
        if (is(l, "RETURNS") || is(l, "SONAME"))
            r->phase = PHASE_CHARACTERISTICS;
        __attribute__((fallthrough));
    case KIND_PACKAGE:
        if (oracle)
            declare_block(r);
        return;
    }
}

static void head_punct(struct routine *r, const struct lexeme *l)
{
    bool has_parameters = r->kind == KIND_PROCEDURE || r->kind == KIND_FUNCTION;

    if (is(l, "("))
        r->paren++;
    if (is(l, ")") && r->paren > 0 && --r->paren == 0 && r->phase == PHASE_HEAD && has_parameters)
        r->phase = PHASE_CHARACTERISTICS;
}

static void head(struct routine *r, const struct lexeme *l)
{
    bool skip = r->skip;

    r->skip = false;
    if (l->kind == LEX_PUNCT) {
        head_punct(r, l);
        return;
    }
    if (l->kind != LEX_WORD || r->paren > 0)
        return;
    if (skip && !is(l, "IF"))
        return;
    if (r->phase == PHASE_RETURN)
        return_word(r, l);
    else if (r->phase == PHASE_CHARACTERISTICS)
        characteristics(r, l);
    else
        head_word(r, l);
}

/* FOLLOWS name, PRECEDES name: between a trigger's head and its body. */
static bool trigger_order(struct routine *r, const struct lexeme *l)
{
    if (r->ordered) {
        r->ordered = false;
        return true;
    }
    r->ordered = r->kind == KIND_TRIGGER && r->depth == 0 && r->at_start &&
                 (is(l, "FOLLOWS") || is(l, "PRECEDES"));
    return r->ordered;
}

void routine_feed(struct routine *r, const struct lexeme *l)
{
    if (l->kind == LEX_VERSION_OPEN || l->kind == LEX_VERSION_CLOSE)
        return;
    switch ((enum phase)r->phase) {
    case PHASE_FIRST:
        first(r, l);
        return;
    case PHASE_KIND:
        find_kind(r, l);
        return;
    case PHASE_HEAD:
    case PHASE_CHARACTERISTICS:
    case PHASE_RETURN:
        head(r, l);
        return;
    case PHASE_BODY:
        if (!trigger_order(r, l))
            body(r, l);
        return;
    case PHASE_PLAIN:
        return;
    }
}

bool routine_open(const struct routine *r)
{
    return r->depth > 0;
}
