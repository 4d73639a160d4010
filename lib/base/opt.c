#include "lib/base/opt.h"

#include "lib/base/auto.h"
#include "lib/base/span.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#define OPTS_MAX 64 /* per table; what was given is noted in a bit set */

/* ---- values ----------------------------------------------------------------------------------- */

/* A number in front; *rest is what stands behind it. Blanks, signs, hex, inf and nan are refused. */
static bool leading_real(const char *text, double *out, const char **rest)
{
    char *end;

    if ((*text < '0' || *text > '9') && *text != '.')
        return false;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return false;
    errno = 0;
    double n = strtod(text, &end);
    if (errno || end == text || !isfinite(n))
        return false;
    *out = n;
    *rest = end;
    return true;
}

bool opt_seconds(const char *text, double *out)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    const char *rest;
    double n;

    if (!leading_real(text, &n, &rest))
        return false;
    for (size_t i = 0; i < COUNT(units); i++)
        if (strcmp(rest, units[i].unit) == 0) {
            *out = n * units[i].seconds;
            return true;
        }
    return false;
}

bool opt_bytes(const char *text, uint64_t *out)
{
    static const char letters[] = "KMGTP";
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    uint64_t n;

    if (!span_u64((struct span){text, digits}, &n))
        return false;
    const char *letter = *unit ? strchr(letters, toupper((unsigned char)*unit)) : NULL;
    unsigned shift = letter ? 10 * (unsigned)(letter - letters + 1) : 0;
    const char *behind = letter ? unit + 1 : unit;
    if (*behind && strcmp(behind, "iB") != 0 && strcmp(behind, "B") != 0)
        return false;
    if (shift && n > UINT64_MAX >> shift)
        return false;
    *out = n << shift;
    return true;
}

static bool set_count(const struct opt *o, const char *text, uint64_t *out)
{
    uint64_t n;

    if (!span_u64(span_of(text), &n))
        return false;
    if ((o->min || o->max) && (n < o->min || (o->max && n > o->max)))
        return false;
    *out = n;
    return true;
}

static bool set_real(const char *text, double *out)
{
    const char *rest;
    double n;

    if (!leading_real(text, &n, &rest) || *rest)
        return false;
    *out = n;
    return true;
}

static bool set_flag(const char *text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"1", true},  {"true", true},   {"yes", true}, {"on", true},
                 {"0", false}, {"false", false}, {"no", false}, {"off", false}};

    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(text, words[i].word) == 0) {
            *out = words[i].value;
            return true;
        }
    return false;
}

static bool set_list(const char *text, struct opt_list *out)
{
    if (out->count == COUNT(out->at))
        return false;
    out->at[out->count++] = text;
    return true;
}

static bool set_value(const struct opt *o, void *conf, const char *text)
{
    void *to = (char *)conf + o->offset;

    switch (o->type) {
    case OPT_FLAG:
        return set_flag(text, to);
    case OPT_STR:
        *(const char **)to = text;
        return true;
    case OPT_LIST:
        return set_list(text, to);
    case OPT_COUNT:
        return set_count(o, text, to);
    case OPT_SECONDS:
        return opt_seconds(text, to);
    case OPT_BYTES:
        return opt_bytes(text, to);
    case OPT_REAL:
        return set_real(text, to);
    case OPT_END:
        break;
    }
    return false;
}

static void wanted(const struct opt *o, char *out, size_t size)
{
    static const char *const texts[] = {
        [OPT_FLAG] = "yes or no",
        [OPT_LIST] = "at most 64 of them",
        [OPT_COUNT] = "a whole number",
        [OPT_SECONDS] = "a time such as 500ms, 30s, 5m or 2h",
        [OPT_BYTES] = "a size such as 4096, 64K, 16M or 2G",
        [OPT_REAL] = "a number such as 0.5",
    };

    if (o->type == OPT_COUNT && o->max)
        snprintf(out, size, "a whole number from %ju to %ju", (uintmax_t)o->min, (uintmax_t)o->max);
    else if (o->type == OPT_COUNT && o->min)
        snprintf(out, size, "a whole number of %ju or more", (uintmax_t)o->min);
    else
        snprintf(out, size, "%s", o->type < COUNT(texts) && texts[o->type] ? texts[o->type] : "");
}

static bool bad_value(const struct opt *o, const char *where, const char *text, struct err *err)
{
    char want[96];

    wanted(o, want, sizeof(want));
    err_set(err, ERR_USAGE, "bad value '%s' for %s", text, where);
    return err_hint(err, "it takes %s", want);
}

/* ---- the command line ------------------------------------------------------------------------- */

struct scan {
    const struct opt_set *sets;
    size_t count;
    uint64_t given[OPT_SETS_MAX]; /* a bit per option */
    int at, argc;
    char **argv;
};

struct found {
    const struct opt *opt;
    size_t set, index;
    bool negated;
};

static bool name_is(const char *name, struct span given)
{
    return span_is(given, name);
}

static bool find(const struct scan *s, struct span name, struct found *out)
{
    for (size_t set = 0; set < s->count; set++) {
        const struct opt *o = s->sets[set].opts;
        for (size_t i = 0; o && o[i].type != OPT_END && i < OPTS_MAX; i++) {
            bool same = name_is(o[i].name, name);
            bool negated = !same && o[i].type == OPT_FLAG && span_starts(name, "no-") &&
                           name_is(o[i].name, (struct span){name.at + 3, name.len - 3});
            if (same || negated) {
                *out = (struct found){&o[i], set, i, negated};
                return true;
            }
        }
    }
    return false;
}

static bool find_short(const struct scan *s, char letter, struct found *out)
{
    static const struct {
        char letter;
        const char *name;
    } shorts[] = {{'h', "help"}, {'q', "quiet"}, {'v', "verbose"}};

    for (size_t i = 0; i < COUNT(shorts); i++)
        if (shorts[i].letter == letter)
            return find(s, span_of(shorts[i].name), out);
    return false;
}

static bool unknown(const struct scan *s, struct span name, struct err *err)
{
    size_t best = SIZE_MAX;
    const char *near = NULL;

    for (size_t set = 0; set < s->count; set++)
        for (const struct opt *o = s->sets[set].opts; o && o->type != OPT_END; o++) {
            size_t far = opt_distance(name, span_of(o->name));
            if (far < best) {
                best = far;
                near = o->name;
            }
        }
    err_set(err, ERR_USAGE, "unknown option '--%.*s'", (int)name.len, name.at);
    if (near)
        return err_hint(err, "did you mean '--%s'?", near);
    return err_hint(err, "--help lists the options");
}

/* The value: behind '=', or the next word. */
static const char *value_of(struct scan *s, const char *equals)
{
    if (equals)
        return equals + 1;
    return s->at < s->argc ? s->argv[s->at++] : NULL;
}

static bool take_flag(const struct scan *s, const struct found *f, const char *equals,
                      struct err *err)
{
    bool *to = (bool *)((char *)s->sets[f->set].conf + f->opt->offset);

    if (equals)
        return err_set(err, ERR_USAGE, "option '--%s' takes no value", f->opt->name);
    *to = !f->negated;
    return true;
}

static bool take_value(struct scan *s, const struct found *f, const char *equals, struct err *err)
{
    const struct opt *o = f->opt;
    void *conf = s->sets[f->set].conf;
    const char *text = value_of(s, equals);

    if (!text) {
        err_set(err, ERR_USAGE, "option '--%s' needs a value", o->name);
        return err_hint(err, "--%s %s", o->name, o->arg ? o->arg : "VALUE");
    }
    /* The first one on the command line takes the place of the default. */
    if (o->type == OPT_LIST && !(s->given[f->set] >> f->index & 1))
        ((struct opt_list *)(void *)((char *)conf + o->offset))->count = 0;
    if (set_value(o, conf, text))
        return true;
    char where[96];
    snprintf(where, sizeof(where), "--%s", o->name);
    return bad_value(o, where, text, err);
}

static bool take_option(struct scan *s, const char *word, struct err *err)
{
    struct found f;
    const char *equals = NULL;

    if (word[1] != '-') {
        if (word[2] || !find_short(s, word[1], &f)) {
            err_set(err, ERR_USAGE, "unknown option '%s'", word);
            return err_hint(err, "options have long names; '--' ends them");
        }
    } else {
        equals = strchr(word, '=');
        struct span name = {word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2)};
        if (!find(s, name, &f))
            return unknown(s, name, err);
    }
    bool ok =
        f.opt->type == OPT_FLAG ? take_flag(s, &f, equals, err) : take_value(s, &f, equals, err);
    s->given[f.set] |= UINT64_C(1) << f.index;
    return ok;
}

/* ---- the environment -------------------------------------------------------------------------- */

void opt_env_name(const struct opt *o, char out[OPT_ENV_NAME])
{
    size_t at = (size_t)snprintf(out, OPT_ENV_NAME, "REHEARSE_");

    for (const char *c = o->name; *c && at + 1 < OPT_ENV_NAME; c++)
        out[at++] = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
    out[at] = 0;
}

static bool take_env(const struct scan *s, size_t set, struct err *err)
{
    const struct opt *o = s->sets[set].opts;
    char name[OPT_ENV_NAME];

    for (size_t i = 0; o && o[i].type != OPT_END && i < OPTS_MAX; i++) {
        opt_env_name(&o[i], name);
        const char *text = getenv(name);
        if (!text || !*text || s->given[set] >> i & 1)
            continue;
        if (!set_value(&o[i], s->sets[set].conf, text))
            return bad_value(&o[i], name, text, err);
    }
    return true;
}

bool opt_parse_sets(const struct opt_set *sets, size_t count, int *argc, char **argv,
                    struct err *err)
{
    struct scan s = {.sets = sets, .count = count, .argc = *argc, .argv = argv};
    int kept = 0;
    bool options = true;

    if (count > OPT_SETS_MAX)
        return err_set(err, ERR_FAILED, "too many option tables");
    while (s.at < s.argc) {
        char *word = argv[s.at++];
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (!options || word[0] != '-' || !word[1])
            argv[kept++] = word;
        else if (!take_option(&s, word, err))
            return false;
    }
    for (size_t set = 0; set < count; set++)
        if (!take_env(&s, set, err))
            return false;
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

bool opt_parse(const struct opt *opts, void *conf, int *argc, char **argv, struct err *err)
{
    struct opt_set set = {opts, conf};
    return opt_parse_sets(&set, 1, argc, argv, err);
}

/* Levenshtein, one row. Names longer than the row are simply not near. */
static size_t edits(struct span a, struct span b)
{
    size_t row[64];

    if (a.len >= COUNT(row) || b.len >= COUNT(row))
        return SIZE_MAX;
    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t above = row[k], change = diagonal + (a.at[i - 1] != b.at[k - 1]);
            size_t step = (above < row[k - 1] ? above : row[k - 1]) + 1;
            diagonal = above;
            row[k] = change < step ? change : step;
        }
    }
    return row[b.len];
}

size_t opt_distance(struct span given, struct span name)
{
    size_t far = edits(given, name);

    if (far && given.len >= 3 && name.len > given.len && memcmp(name.at, given.at, given.len) == 0)
        return 1;
    return far <= 1 + given.len / 5 && far < given.len ? far : SIZE_MAX;
}
