#include "lib/base/log.h"

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int log_level = LOG_LEVEL_INFO;
static atomic_int log_form = LOG_FORM_TEXT;

static const struct {
    const char *name;
    const char *colour;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "\033[31m"},
    [LOG_LEVEL_WARN] = {"warn", "\033[33m"},
    [LOG_LEVEL_INFO] = {"info", ""},
    [LOG_LEVEL_DEBUG] = {"debug", "\033[2m"},
};

void log_setup(enum log_level level, enum log_form form)
{
    atomic_store(&log_level, (int)level);
    atomic_store(&log_form, (int)form);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

bool log_is_json(void)
{
    return atomic_load(&log_form) == LOG_FORM_JSON;
}

bool term_colours(int fd)
{
    const char *term = getenv("TERM"), *off = getenv("NO_COLOR");

    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0 && !(off && *off);
}

/* In quotes; what could end the quotes, start a new line or reach the terminal is escaped. */
static void put_quoted(struct buf *line, struct span s)
{
    buf_putc(line, '\'');
    while (s.len) {
        size_t len = span_utf8(s);
        unsigned char c = (unsigned char)*s.at;
        bool c1 = len == 2 && c == 0xc2 && (unsigned char)s.at[1] < 0xa0;
        if (c == '\'' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (!len || c < 0x20 || c == 0x7f || c1)
            buf_printf(line, "\\x%02x", c1 ? (unsigned char)s.at[1] : c);
        else
            buf_add(line, s.at, len);
        len = len ? len : 1;
        s = (struct span){s.at + len, s.len - len};
    }
    buf_putc(line, '\'');
}

static void put_value(struct buf *line, const struct field *f)
{
    switch (f->type) {
    case FIELD_STR:
        if (f->str.at)
            put_quoted(line, f->str);
        else
            buf_puts(line, "null");
        break;
    case FIELD_NUM:
        buf_printf(line, "%" PRId64, f->num);
        break;
    case FIELD_REAL:
        buf_printf(line, "%.6g", f->real);
        break;
    case FIELD_BOOL:
        buf_puts(line, f->flag ? "true" : "false");
        break;
    case FIELD_JSON: {
        AUTO(free) char *text = f->json ? json_text(f->json) : NULL;
        buf_puts(line, text ? text : "null");
        break;
    }
    case FIELD_END:
        break;
    }
}

static void write_text(struct buf *line, enum log_level level, const char *what,
                       const struct field *fields)
{
    bool colours = term_colours(STDERR_FILENO);

    /* A progress line may stand there; it is drawn again at its next tick. */
    if (colours)
        buf_printf(line, "\r\033[K%s", levels[level].colour);
    buf_printf(line, "%s %s", levels[level].name, what);
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        buf_printf(line, " %s=", f->name);
        put_value(line, f);
    }
    buf_puts(line, colours && *levels[level].colour ? "\033[0m\n" : "\n");
}

static void write_json(struct buf *line, enum log_level level, const char *what,
                       const struct field *fields)
{
    char now[ISO_TIME];
    AUTO(json) json_t *o = fields_json(fields);

    if (!o)
        return;
    json_object_set_new(o, "at", json_string(clock_iso(clock_wall_ns(), now)));
    json_object_set_new(o, "level", json_string(levels[level].name));
    json_object_set_new(o, "what", json_string(what));
    AUTO(free) char *text = json_text(o);
    if (text)
        buf_printf(line, "%s\n", text);
}

void log_fields(enum log_level level, const char *what, const struct field *fields)
{
    AUTO(buf) struct buf line = {0};

    if (!log_enabled(level))
        return;
    if (log_is_json())
        write_json(&line, level, what, fields);
    else
        write_text(&line, level, what, fields);
    /* One write for the whole line: lines of several threads never mix. */
    if (!line.failed)
        fwrite(buf_str(&line), 1, line.len, stderr);
}

void log_line(enum log_level level, const char *what)
{
    log_fields(level, what, (const struct field[]){{.type = FIELD_END}});
}
