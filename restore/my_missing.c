/* What the server lacks for a database: engines, encryption, full-text parsers, character sets,
 * collations, accounts. */
#include "lib/base/json.h"
#include "lib/sql/split.h"
#include "restore/missing.h"
#include "restore/my.h"
#include "restore/my_accounts.h"

struct needs {
    struct missing missing;
    json_t *engines, *parsers, *charsets,
        *collations; /* names on the server in lower case, as keys */
    json_t *offered; /* plugins in its folder that are not loaded: their library, by name */
    bool encrypts, box;
};

static bool add_library(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    return (name && json_object_set_new_nocheck(to, name, json_bytes(row->value[1])) == 0) ||
           err_memory(err);
}

/* What lies in the server's folder of plugins, and whether one that is loaded encrypts. */
static bool read_plugins(struct db *db, struct needs *n, struct err *err)
{
    AUTO(buf) struct buf count = {0};

    n->offered = json_object();
    if (!n->offered)
        return err_memory(err);
    if (!db_value(db, &count, err,
                  "SELECT count(*) FROM information_schema.plugins WHERE plugin_type IN "
                  "('ENCRYPTION', 'KEYRING') AND plugin_status = 'ACTIVE'"))
        return false;
    n->encrypts = strcmp(buf_str(&count), "0") != 0;
    return db->is_mysql || db_rows(db, add_library, n->offered, err,
                                   "SELECT lower(plugin_name), plugin_library FROM "
                                   "information_schema.all_plugins WHERE plugin_status = "
                                   "'NOT INSTALLED' AND plugin_library IS NOT NULL");
}

static bool lower_of(struct span name, struct buf *out)
{
    buf_puts(out, "");
    for (size_t i = 0; i < name.len; i++)
        buf_putc(out,
                 (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 0x20 : name.at[i]));
    return !out->failed;
}

static bool has(const json_t *names, struct span name)
{
    AUTO(buf) struct buf lower = {0};

    return lower_of(name, &lower) && json_object_get(names, buf_str(&lower)) != NULL;
}

static bool check(struct needs *n, const json_t *names, const char *kind, struct span name,
                  const char *mend, struct err *err)
{
    AUTO(free) char *shown = NULL;

    if (!name.len || has(names, name))
        return true;
    shown = span_dup(name);
    return shown ? missing_add(&n->missing, kind, shown, mend, err) : err_memory(err);
}

bool my_plugin_check(const struct my_plugins *p, struct span plugin, struct err *err)
{
    AUTO(buf) struct buf mend = {0}, name = {0};
    AUTO(free) char *shown = span_dup(plugin);

    if (!shown || !lower_of(plugin, &name))
        return err_memory(err);
    if (!plugin.len || json_object_get(p->loaded, buf_str(&name)))
        return true;
    const char *library = json_string_value(json_object_get(p->offered, buf_str(&name)));
    if (!library)
        buf_puts(&mend, "install the package with its plugin on the server's host");
    else if (p->box)
        buf_printf(&mend, "put 'plugin_load_add: %s' into box.mariadb of the environment file",
                   library);
    else
        buf_printf(&mend, "INSTALL SONAME '%s' on the server", library);
    return buf_ok(&mend, err) && missing_add(p->missing, p->kind, shown, buf_str(&mend), err);
}

static bool check_plugin(struct needs *n, const json_t *names, const char *kind, struct span plugin,
                         struct err *err)
{
    struct my_plugins p = {&n->missing, kind, names, n->offered, n->box};

    return my_plugin_check(&p, plugin, err);
}

static bool check_parser(struct needs *n, struct span name, struct err *err)
{
    if (name.len >= 2 && *name.at == '`')
        name = (struct span){name.at + 1, name.len - 2};
    return check_plugin(n, n->parsers, "full-text parser", name, err);
}

static bool check_encryption(struct needs *n, const char *table, struct err *err)
{
    return n->encrypts ||
           missing_add(&n->missing, "encryption plugin for table", table,
                       "load one on the server (file_key_management, or production's own)", err);
}

static bool check_charset(struct needs *n, struct span name, struct err *err)
{
    return check(n, n->charsets, "character set", name,
                 "restore into a server of production's kind and version", err);
}

static bool check_collation(struct needs *n, struct span name, struct err *err)
{
    return check(n, n->collations, "collation", name,
                 "restore into a server of production's kind and version", err);
}

/* An option of the engine is shown quoted, as it was written by some versions. */
static bool is_encrypted(struct span option)
{
    return span_is_nocase(option, "ENCRYPTED") || span_is_nocase(option, "`ENCRYPTED`");
}

static bool is_yes(struct span value)
{
    return span_is_nocase(value, "YES") || span_is_nocase(value, "'YES'");
}

/* CHARACTER SET x, CHARSET=x, COLLATE x, COLLATE=x; ENCRYPTED=YES; WITH PARSER x. */
static bool look_at(struct needs *n, const struct my_target_table *table, struct err *err)
{
    struct span rest = span_of(table->create), token, before = {0}, second = {0};

    while (sql_token_next(SQL_MARIADB, &rest, &token) != SQL_END) {
        if (span_is(token, "="))
            continue;
        bool charset =
            span_is(before, "CHARSET") || (span_is(before, "SET") && span_is(second, "CHARACTER"));
        if ((charset && !check_charset(n, token, err)) ||
            (span_is(before, "PARSER") && span_is(second, "WITH") &&
             !check_parser(n, token, err)) ||
            (span_is(before, "COLLATE") && !check_collation(n, token, err)) ||
            (is_encrypted(before) && is_yes(token) && !check_encryption(n, table->name, err)))
            return false;
        second = before;
        before = token;
    }
    return true;
}

static struct span fact(const struct my_target *t, const char *key)
{
    const char *text = json_string_value(json_object_get(t->facts, key));

    return span_of(text ? text : "");
}

/* "utf8", as MySQL and older servers call what is utf8mb3 now: taken, but not listed. */
static bool read_old_names(struct db *db, struct needs *n, struct err *err)
{
    return db_names(db, &n->charsets, err,
                    "SELECT 'utf8' FROM dual WHERE find_in_set('UTF8_IS_UTF8MB3', @@old_mode)") &&
           db_names(db, &n->collations, err,
                    "SELECT replace(full_collation_name, 'utf8mb3_', 'utf8_') FROM "
                    "information_schema.collation_character_set_applicability WHERE "
                    "character_set_name = 'utf8mb3' AND "
                    "find_in_set('UTF8_IS_UTF8MB3', @@old_mode)");
}

static bool read_names(struct my_target *t, struct needs *n, struct err *err)
{
    bool full = !t->main->is_mysql && t->main->version >= 101001;

    return read_plugins(t->main, n, err) &&
           db_names(t->main, &n->engines, err,
                    "SELECT lower(engine) FROM information_schema.engines WHERE support IN "
                    "('YES', 'DEFAULT')") &&
           db_names(t->main, &n->parsers, err,
                    "SELECT lower(plugin_name) FROM information_schema.plugins WHERE plugin_type = "
                    "'FTPARSER' AND plugin_status = 'ACTIVE'") &&
           /* Every server has 'filename', which it does not list. */
           db_names(t->main, &n->charsets, err,
                    "SELECT lower(character_set_name) FROM information_schema.character_sets "
                    "UNION SELECT 'filename'") &&
           db_names(t->main, &n->collations, err,
                    "SELECT lower(collation_name) FROM information_schema.collations "
                    "UNION SELECT 'filename'") &&
           (!full || (db_names(t->main, &n->collations, err,
                               "SELECT lower(full_collation_name) FROM "
                               "information_schema.collation_character_set_applicability") &&
                      read_old_names(t->main, n, err)));
}

/* Such a server would give them other names, and one to two of them. */
static bool check_case(struct my_target *t, struct needs *n, struct err *err)
{
    AUTO(buf) struct buf mode = {0};

    if (!db_value(t->main, &mode, err, "SELECT @@global.lower_case_table_names"))
        return false;
    for (size_t i = 0; strcmp(buf_str(&mode), "1") == 0 && i < t->table_count; i++) {
        const char *name = t->tables[i].name;
        AUTO(buf) struct buf lower = {0};
        if (!lower_of(span_of(name), &lower))
            return err_memory(err);
        if (strcmp(buf_str(&lower), name) != 0 &&
            !missing_add(&n->missing, "capital letters in the name of table", name,
                         "restore into a server with lower_case_table_names = 0", err))
            return false;
    }
    return true;
}

static bool gather(struct my_target *t, struct needs *n, struct err *err)
{
    n->box = t->conf.owned;
    if (!read_names(t, n, err) || !check_case(t, n, err) ||
        (!t->conf.owned && !my_grants_missing(t, &n->missing, err)) ||
        !check_charset(n, fact(t, "charset"), err) ||
        !check_collation(n, fact(t, "collation"), err) ||
        !my_accounts_missing(t, n->offered, &n->missing, err) ||
        !my_sequences_missing(t, &n->missing, err))
        return false;
    for (size_t i = 0; i < t->table_count; i++) {
        const json_t *engine = json_object_get(t->tables[i].stream->meta, "engine");
        if ((json_is_string(engine) && !check_plugin(n, n->engines, "storage engine",
                                                     span_of(json_string_value(engine)), err)) ||
            !look_at(n, &t->tables[i], err))
            return false;
    }
    return true;
}

bool my_missing_check(struct my_target *t, struct err *err)
{
    struct needs n = {0};
    bool ok = gather(t, &n, err) &&
              missing_judge(&n.missing, t->conf.component, t->main->label, t->conf.journal, err);

    missing_done(&n.missing);
    json_decref(n.engines);
    json_decref(n.parsers);
    json_decref(n.charsets);
    json_decref(n.collations);
    json_decref(n.offered);
    return ok;
}
