/* `rehearse key make`, `key show` and `key rotate`. */
#include "lib/base/json.h"
#include "lib/bundle/access.h"
#include "lib/bundle/rotate.h"
#include "lib/env/env.h"
#include "lib/seal/wrap.h"
#include "rehearse/cmd.h"

struct key_conf {
    const char *out, *store, *key, *env;
    struct opt_list to;
    bool signing, all;
};

#define AT(field) offsetof(struct key_conf, field)

static bool print_json(const json_t *value, struct err *err)
{
    AUTO(free) char *text = value ? json_pretty(value) : NULL;

    return text ? puts(text) >= 0 : err_memory(err);
}

static bool print_key(const struct key_public *k, struct err *err)
{
    const char *use = k->use == KEY_SIGN ? "signing" : "encryption";
    char text[KEY_TEXT], fingerprint[KEY_FINGERPRINT];

    key_text(k, text);
    key_fingerprint(k, fingerprint);
    if (cmd_json()) {
        AUTO(json)
        json_t *all =
            json_pack("{s:s, s:s, s:s}", "public", text, "fingerprint", fingerprint, "use", use);
        return print_json(all, err);
    }
    printf("%s\n  fingerprint %s, for %s\n", text, fingerprint, use);
    return true;
}

/* ---- make and show ---------------------------------------------------------------------------*/

static int make_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct key_conf *conf = conf_;
    AUTO(key_secret) struct key_secret *k = NULL;

    if (argc > 0 || !conf->out) {
        err_set(err, ERR_USAGE,
                argc > 0 ? "key make takes no operands, got '%s'" : "key make needs --out%s",
                argc > 0 ? argv[0] : "");
        err_hint(err, "rehearse key make [--signing] --out FILE");
        return ERR_USAGE;
    }
    return key_make(conf->signing ? KEY_SIGN : KEY_SEAL, &k, err) && key_write(k, conf->out, err) &&
                   print_key(key_public(k), err)
               ? 0
               : (int)err->code;
}

static int show_main(const void *conf_, int argc, char **argv, struct err *err)
{
    AUTO(key_secret) struct key_secret *k = NULL;

    (void)conf_;
    if (argc != 1) {
        err_set(err, ERR_USAGE, "key show takes one file, got %d operands", argc);
        return ERR_USAGE;
    }
    return key_read_any(argv[0], &k, err) && print_key(key_public(k), err) ? 0 : (int)err->code;
}

/* ---- rotate ----------------------------------------------------------------------------------*/

struct rotating {
    const struct key_conf *conf;
    struct bundle_access access;
    struct key_public to[WRAP_RECIPIENTS_MAX];
    size_t count;
    struct store *store;
    json_t *done; /* array */
};

static void rotating_done(struct rotating *r)
{
    access_done(&r->access);
    store_close(r->store);
    json_decref(r->done);
}

static inline void auto_rotating(struct rotating *r)
{
    rotating_done(r);
}

static bool add_recipient(struct rotating *r, const char *text, struct err *err)
{
    if (r->count == WRAP_RECIPIENTS_MAX)
        return err_set(err, ERR_CONFIG, "more than %d recipients", WRAP_RECIPIENTS_MAX);
    return key_parse(span_of(text), KEY_SEAL, &r->to[r->count++], err);
}

/* The recipients of --to, or those that the environment file names for what is captured next. */
static bool read_recipients(struct rotating *r, struct err *err)
{
    AUTO(env) struct env *env = NULL;

    if (r->conf->env && !env_load(r->conf->env, &env, err))
        return false;
    for (unsigned i = 0; env && env->bundle && i < env->bundle->encrypt_to.count; i++)
        if (!add_recipient(r, env->bundle->encrypt_to.at[i], err))
            return err_add(err, "'encrypt_to' of %s", r->conf->env);
    for (size_t i = 0; i < r->conf->to.count; i++)
        if (!add_recipient(r, r->conf->to.at[i], err))
            return false;
    if (r->count)
        return true;
    err_set(err, ERR_USAGE, "no recipient was named");
    return err_hint(err, "give --to KEY, or --env FILE with 'encrypt_to' in it");
}

static bool rotate_one(struct rotating *r, const char *ref, struct err *err)
{
    struct digest now;
    char hex[HASH_HEX];

    if (!cmd_stop_check(err) ||
        !bundle_rotate(r->store, ref, &r->access, r->to, r->count, &now, err))
        return false;
    digest_hex(&now, hex);
    if (!cmd_json())
        printf("%s: %zu recipients, now sha256:%s\n", ref, r->count, hex);
    json_t *one = json_pack("{s:s, s:s, s:I}", "bundle", ref, "digest", hex, "recipients",
                            (json_int_t)r->count);
    return json_array_append_new(r->done, one) == 0 || err_memory(err);
}

static bool rotate_listed(void *ctx, const struct bundle_info *info, struct err *err)
{
    char hex[HASH_HEX];

    if (!json_is_true(json_object_get(info->config, "encrypted")))
        return true;
    digest_hex(&info->manifest, hex);
    return rotate_one(ctx, info->tag_count ? info->tags[0] : hex, err);
}

static bool rotate_all(struct rotating *r, int argc, char **argv, struct err *err)
{
    if (r->conf->all)
        return bundle_list(r->store, rotate_listed, r, err);
    for (int i = 0; i < argc; i++)
        if (!rotate_one(r, argv[i], err))
            return false;
    return true;
}

/* Opening for writing would make a store that a mistyped path does not lead to. */
static bool open_existing(const char *url, struct store **out, struct err *err)
{
    AUTO(store) struct store *there = NULL;

    return store_open(url, STORE_READ, &there, err) && store_open(url, STORE_WRITE, out, err);
}

static int rotate_main(const void *conf_, int argc, char **argv, struct err *err)
{
    AUTO(rotating) struct rotating r = {.conf = conf_, .done = json_array()};

    if (!r.conf->store || r.conf->all == (argc > 0)) {
        err_set(err, ERR_USAGE, "%s",
                r.conf->store ? "name bundles, or all of them with --all" : "no store was named");
        err_hint(err, "rehearse key rotate --store STORE --key FILE --to KEY BUNDLE...");
        return ERR_USAGE;
    }
    if (!read_recipients(&r, err) || !access_key(&r.access, r.conf->key, err) ||
        !open_existing(r.conf->store, &r.store, err) || !rotate_all(&r, argc, argv, err) ||
        (cmd_json() && !print_json(r.done, err)))
        return (int)err->code;
    if (!cmd_json() && json_array_size(r.done) == 0)
        puts("no bundle of the store is encrypted");
    return 0;
}

/* ---- the commands ----------------------------------------------------------------------------*/

static const struct key_conf defaults = {0};

static const struct opt make_opts[] = {
    {"out", OPT_STR, AT(out), "FILE", "where the secret key goes; must not exist"},
    {"signing", OPT_FLAG, AT(signing), NULL, "a key to sign with, instead of one to read with"},
    {0},
};

const struct cmd key_make_cmd = {
    .name = "key make",
    .summary = "make a key to read encrypted bundles, or to sign bundles",
    .usage = "[--signing] --out FILE",
    .about =
        "Writes the secret key into FILE, for its owner alone, and prints the public key: that "
        "one goes into 'encrypt_to' or 'trusted' of environment files. Keep the secret key "
        "away from production: the host that captures needs public keys only. Without a "
        "recipient's secret key an encrypted bundle is lost; encrypt to two or more.",
    .examples = "# who may read\n"
                "$ rehearse key make --out /root/qa.key\n"
                "# who signs\n"
                "$ rehearse key make --signing --out /etc/rehearse/sign.key\n",
    .opts = make_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct key_conf),
    .run = make_main,
};

static const struct opt show_opts[] = {{0}};

const struct cmd key_show_cmd = {
    .name = "key show",
    .summary = "show the public key and fingerprint of a key file",
    .usage = "FILE",
    .about = "FILE holds a secret key, which is not shown.",
    .examples = "$ rehearse key show /root/qa.key\n",
    .opts = show_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct key_conf),
    .run = show_main,
};

static const struct opt rotate_opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {"key", OPT_STR, AT(key), "FILE", "secret key that opens the bundles now"},
    {"to", OPT_LIST, AT(to), "KEY", "public key of somebody who may read from now on"},
    {"env", OPT_STR, AT(env), "FILE", "environment file whose 'encrypt_to' says who may read"},
    {"all", OPT_FLAG, AT(all), NULL, "every encrypted bundle of the store"},
    {0},
};
#undef AT

const struct cmd key_rotate_cmd = {
    .name = "key rotate",
    .summary = "change who may read encrypted bundles",
    .usage = "--store STORE --key FILE --to KEY [OPTIONS] BUNDLE...",
    .about = "Wraps the keys of the bundles anew for the recipients named, and for nobody else; "
             "packs are not written again. A bundle keeps its tags and its signature and gets "
             "another digest. The old wrapped keys are removed from the store.\n\n"
             "Who could read a bundle before and kept a copy of its wrapped keys, or its content, "
             "still can. When a secret key was stolen, rotate, and change what the bundles hold "
             "that must not be known.",
    .examples = "# somebody has left: the bundles are for those of the environment file\n"
                "$ rehearse key rotate --store store --key /root/qa.key --env shop.yaml --all\n",
    .opts = rotate_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct key_conf),
    .run = rotate_main,
};
