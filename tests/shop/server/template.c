#include "tests/shop/server/template.h"

#include "lib/base/fd.h"
#include "lib/base/vec.h"

#define TEXT_MAX  ((size_t)1 << 20)
#define DEPTH_MAX 16

struct text {
    char *name;
    struct buf content;
};

struct texts {
    const char *dir; /* while loading */
    struct vec list;
};

static bool load_one(void *ctx, const char *name, struct err *err)
{
    struct texts *t = ctx;
    AUTO(free) char *path = path_join(t->dir, name);
    struct text *text = path ? vec_add(&t->list, err) : NULL;

    if (!text || !(text->name = strdup(name)))
        return err_memory(err);
    return file_read(path, TEXT_MAX, &text->content, err);
}

bool texts_load(const char *dir, struct texts **out, struct err *err)
{
    AUTO(texts) struct texts *t = calloc(1, sizeof(*t));
    if (!t)
        return err_memory(err);
    t->dir = dir;
    t->list = (struct vec)VEC(struct text);
    if (!dir_each(dir, load_one, t, err))
        return false;
    *out = TAKE(t);
    return true;
}

void texts_free(struct texts *t)
{
    if (!t)
        return;
    struct text *list = t->list.at;
    for (size_t i = 0; i < t->list.count; i++) {
        free(list[i].name);
        buf_done(&list[i].content);
    }
    vec_done(&t->list);
    free(t);
}

struct span texts_find(const struct texts *t, const char *name)
{
    const struct text *list = t->list.at;

    for (size_t i = 0; i < t->list.count; i++) {
        if (strcmp(list[i].name, name) == 0)
            return (struct span){buf_str(&list[i].content), list[i].content.len};
    }
    return (struct span){0};
}

struct scope {
    const json_t *value;
    const struct scope *up;
    unsigned depth;
};

struct rendering {
    const struct texts *texts;
    const char *name;
    struct buf *out;
    struct err *err;
};

static bool render(const struct rendering *r, struct span text, const struct scope *scope);

static const json_t *look_up(const struct scope *scope, struct span name)
{
    if (span_is(name, "."))
        return scope->value;
    for (; scope; scope = scope->up) {
        const json_t *found = json_object_getn(scope->value, name.at, name.len);
        if (found)
            return found;
    }
    return NULL;
}

static void put_escaped(struct buf *out, struct span s)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

    for (size_t i = 0; i < s.len; i++) {
        const char *as = NULL;
        for (size_t k = 0; k < COUNT(escapes); k++) {
            if (escapes[k].c == s.at[i])
                as = escapes[k].as;
        }
        if (as)
            buf_puts(out, as);
        else
            buf_putc(out, s.at[i]);
    }
}

static void put_value(const struct rendering *r, const json_t *value, bool raw)
{
    if (json_is_string(value)) {
        struct span s = {json_string_value(value), json_string_length(value)};
        if (raw)
            buf_span(r->out, s);
        else
            put_escaped(r->out, s);
    } else if (json_is_integer(value)) {
        buf_printf(r->out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        buf_printf(r->out, "%.1f", json_real_value(value));
    }
}

static bool shows_nothing(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static bool each(const struct rendering *r, const json_t *value, struct span body,
                 const struct scope *scope)
{
    struct scope inner = {.up = scope, .depth = scope->depth + 1};
    size_t i;

    if (!json_is_array(value)) {
        inner.value = value;
        return render(r, body, &inner);
    }
    json_array_foreach(value, i, inner.value)
    {
        if (!render(r, body, &inner))
            return false;
    }
    return true;
}

/* Cuts the body of a section off *rest: up to the {{/name}} of the same depth. */
static bool take_section(const struct rendering *r, struct span *rest, struct span name,
                         struct span *body)
{
    unsigned open = 1;

    for (size_t i = 0; i + name.len + 5 <= rest->len; i++) {
        const char *at = rest->at + i;
        if (memcmp(at, "{{", 2) != 0 || memcmp(at + 3, name.at, name.len) != 0 ||
            memcmp(at + 3 + name.len, "}}", 2) != 0)
            continue;
        open += at[2] == '#' || at[2] == '^';
        open -= at[2] == '/';
        if (open == 0) {
            *body = (struct span){rest->at, i};
            rest->at += i + name.len + 5;
            rest->len -= i + name.len + 5;
            return true;
        }
    }
    return err_set(r->err, ERR_CONFIG, "template '%s': section '%.*s' is not closed", r->name,
                   (int)name.len, name.at);
}

static bool include(const struct rendering *r, struct span name, const struct scope *scope)
{
    AUTO(free) char *copy = span_dup(name);
    if (!copy)
        return err_memory(r->err);
    struct span text = texts_find(r->texts, copy);
    struct rendering inner = {r->texts, copy, r->out, r->err};
    struct scope same = {scope->value, scope->up, scope->depth + 1};

    if (!text.at)
        return err_set(r->err, ERR_MISSING, "no template '%s'", copy);
    return render(&inner, text, &same);
}

static bool put_tag(const struct rendering *r, struct span tag, struct span *rest,
                    const struct scope *scope)
{
    char kind = tag.len ? tag.at[0] : '\0';
    struct span name = {tag.at + 1, tag.len ? tag.len - 1 : 0};
    struct span body;

    if (kind == '>')
        return include(r, name, scope);
    if (kind == '{') {
        /* The third brace of }}} is still to come. */
        put_value(r, look_up(scope, name), true);
        if (rest->len) {
            rest->at++;
            rest->len--;
        }
        return true;
    }
    if (kind != '#' && kind != '^') {
        put_value(r, look_up(scope, tag), false);
        return true;
    }
    if (!take_section(r, rest, name, &body))
        return false;
    const json_t *value = look_up(scope, name);
    if (kind == '^')
        return !shows_nothing(value) || render(r, body, scope);
    return shows_nothing(value) || each(r, value, body, scope);
}

static bool render(const struct rendering *r, struct span text, const struct scope *scope)
{
    if (scope->depth > DEPTH_MAX)
        return err_set(r->err, ERR_CONFIG, "template '%s' includes itself", r->name);
    for (;;) {
        const char *open = text.len ? memmem(text.at, text.len, "{{", 2) : NULL;
        if (!open)
            break;
        buf_add(r->out, text.at, (size_t)(open - text.at));
        struct span rest = {open + 2, text.len - (size_t)(open - text.at) - 2};
        const char *close = memmem(rest.at, rest.len, "}}", 2);
        if (!close)
            return err_set(r->err, ERR_CONFIG, "template '%s': a tag is not closed", r->name);
        struct span tag = {rest.at, (size_t)(close - rest.at)};
        text = (struct span){close + 2, rest.len - tag.len - 2};
        if (!put_tag(r, tag, &text, scope))
            return false;
    }
    buf_span(r->out, text);
    return buf_ok(r->out, r->err);
}

bool template_render(const struct texts *t, const char *name, const json_t *context,
                     struct buf *out, struct err *err)
{
    struct span text = texts_find(t, name);
    struct rendering r = {t, name, out, err};
    struct scope scope = {.value = context};

    if (!text.at)
        return err_set(err, ERR_MISSING, "no template '%s'", name);
    return render(&r, text, &scope);
}
