/* `rehearse bundle tag`, `bundle pin`, `bundle unpin` and `bundle rm`. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/mark.h"
#include "lib/bundle/tags_edit.h"
#include "snapshot/cmd.h"
#include "snapshot/print.h"

struct tag_conf {
    const char *store;
    bool delete, pin;
};

/* What was done, as a line or as JSON. */
static int done(const char *what, const char *bundle, const char *tag, struct err *err)
{
    if (!cmd_json()) {
        printf(tag ? "%s  %s  %s\n" : "%s  %s\n", what, bundle, tag);
        return 0;
    }
    AUTO(json)
    json_t *all = json_pack("{s:s, s:s, s:s?}", "done", what, "bundle", bundle, "tag", tag);
    if (!all)
        err_memory(err);
    return all && print_json(all, err) ? 0 : (int)err->code;
}

/* ---- tag -------------------------------------------------------------------------------------*/

static int tag_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct tag_conf *conf = conf_;
    AUTO(store) struct store *store = NULL;

    if (argc != (conf->delete ? 1 : 2) || (conf->delete &&conf->pin)) {
        err_set(err, ERR_USAGE, "bundle tag takes a bundle and a tag, or --delete and a tag");
        return ERR_USAGE;
    }
    if (!cmd_store_change(conf->store, &store, err))
        return (int)err->code;
    if (conf->delete)
        return bundle_untag(store, argv[0], err) ? done("untagged", argv[0], NULL, err)
                                                 : (int)err->code;
    return bundle_tag(store, argv[0], argv[1], conf->pin, err)
               ? done("tagged", argv[0], argv[1], err)
               : (int)err->code;
}

/* ---- pin -------------------------------------------------------------------------------------*/

static int pin(const struct tag_conf *conf, int argc, char **argv, bool pinned, struct err *err)
{
    AUTO(store) struct store *store = NULL;
    const char *what = pinned ? "pinned" : "unpinned";

    if (argc != 1) {
        err_set(err, ERR_USAGE, "one bundle has to be named, got %d", argc);
        return ERR_USAGE;
    }
    if (!cmd_store_change(conf->store, &store, err) || !bundle_pin(store, argv[0], pinned, err))
        return (int)err->code;
    return done(what, argv[0], NULL, err);
}

static int pin_main(const void *conf, int argc, char **argv, struct err *err)
{
    return pin(conf, argc, argv, true, err);
}

static int unpin_main(const void *conf, int argc, char **argv, struct err *err)
{
    return pin(conf, argc, argv, false, err);
}

/* ---- rm --------------------------------------------------------------------------------------*/

/* A damaged bundle can be removed too: then nobody knows what it shares. */
static bool remove_one(struct store *store, const char *ref, json_t *all, struct err *err)
{
    char own_text[ISO_TIME], shared_text[ISO_TIME], name[DIGEST_TEXT];
    struct index_pack manifest;
    uint64_t own = 0, shared = 0;
    struct err why = {0};

    if (!tags_resolve(store, ref, &manifest, err))
        return false;
    bool weighed = marks_weigh(store, &manifest, &own, &shared, &why);
    digest_text(&manifest.digest, name);
    if (!bundle_retire(store, ref, err))
        return false;
    json_t *one = json_pack("{s:s, s:s}", "bundle", ref, "digest", name);
    if (weighed) {
        json_object_set_new(one, "own_bytes", json_integer((json_int_t)own));
        json_object_set_new(one, "shared_bytes", json_integer((json_int_t)shared));
    }
    if (json_array_append_new(all, one) != 0)
        return err_memory(err);
    if (cmd_json())
        return true;
    if (weighed)
        printf("removed  %s: %s to be freed by gc, %s are shared and stay\n", ref,
               human_bytes(own, own_text), human_bytes(shared, shared_text));
    else
        printf("removed  %s: what it shares cannot be told: %s\n", ref, why.text);
    return true;
}

static int rm_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct tag_conf *conf = conf_;
    AUTO(store) struct store *store = NULL;
    AUTO(json) json_t *all = json_array();

    if (argc < 1) {
        err_set(err, ERR_USAGE, "no bundle was named");
        err_hint(err, "see what there is with 'rehearse bundle ls'");
        return ERR_USAGE;
    }
    if (!cmd_store_change(conf->store, &store, err))
        return (int)err->code;
    for (int i = 0; i < argc; i++)
        if (!remove_one(store, argv[i], all, err))
            return (int)err->code;
    return !cmd_json() || print_json(all, err) ? 0 : (int)err->code;
}

/* ---- the commands ----------------------------------------------------------------------------*/

static const struct tag_conf defaults = {0};

#define AT(field) offsetof(struct tag_conf, field)
static const struct opt tag_opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {"delete", OPT_FLAG, AT(delete), NULL, "take the tag away; the bundle stays"},
    {"pin", OPT_FLAG, AT(pin), NULL, "pin the bundle too: it is never removed"},
    {0},
};
static const struct opt store_opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {0},
};
#undef AT

const struct cmd bundle_tag_cmd = {
    .name = "bundle tag",
    .summary = "give a bundle a name, or take one away",
    .usage = "--store STORE BUNDLE TAG, or --store STORE --delete TAG",
    .about = "A tag that another bundle has moves. The dated tag of a bundle never changes.",
    .examples = "$ rehearse bundle tag --store store latest before-release-4 --pin\n"
                "$ rehearse bundle tag --store store --delete before-release-4\n",
    .opts = tag_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct tag_conf),
    .run = tag_main,
};

const struct cmd bundle_pin_cmd = {
    .name = "bundle pin",
    .summary = "keep a bundle whatever the retention rules say",
    .usage = "--store STORE BUNDLE",
    .about = "A pinned bundle is removed neither by gc nor by rm, until it is unpinned.",
    .examples = "$ rehearse bundle pin --store store shop-20260131T120000Z\n",
    .opts = store_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct tag_conf),
    .run = pin_main,
};

const struct cmd bundle_unpin_cmd = {
    .name = "bundle unpin",
    .summary = "let go of a pinned bundle",
    .usage = "--store STORE BUNDLE",
    .about = "From now on gc and rm may remove it.",
    .examples = "$ rehearse bundle unpin --store store shop-20260131T120000Z\n",
    .opts = store_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct tag_conf),
    .run = unpin_main,
};

const struct cmd bundle_rm_cmd = {
    .name = "bundle rm",
    .summary = "remove bundles from a store",
    .usage = "--store STORE BUNDLE...",
    .about = "The bundle is not listed any more and loses its tags. Its data are freed by 'bundle "
             "gc' after the grace period; until then restores that read it go on, and 'bundle tag' "
             "with its whole digest brings it back. Pinned bundles are refused. Prints how much "
             "will be freed and how much other bundles share.",
    .examples = "$ rehearse bundle rm --store store shop-20260131T120000Z\n",
    .opts = store_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct tag_conf),
    .run = rm_main,
};
