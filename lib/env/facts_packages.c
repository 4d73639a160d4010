/* Installed packages, by whichever package managers are there. */
#include "lib/env/facts.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/proc.h"

#define PACKAGES_MAX ((size_t)64 << 20)
#define PACKAGES_S   60.0
#define APK_DB       "/lib/apk/db/installed"

/* Each prints NAME, a tab, VERSION; and behind another tab the state, where only "installed" counts:
 * dpkg also lists what was removed and left its configuration. */
static const struct manager {
    const char *name;
    const char *database; /* where it is missing or empty, the manager is not this host's */
    const char *const *argv;
} managers[] = {
    {"dpkg", "/var/lib/dpkg/status",
     (const char *const[]){"dpkg-query", "-W", "-f",
                           "${binary:Package}\\t${Version}\\t${db:Status-Status}\\n", NULL}},
    {"rpm", "/var/lib/rpm",
     (const char *const[]){"rpm", "-qa", "--qf", "%{NAME}.%{ARCH}\\t%{EVR}\\n", NULL}},
};

static bool add(json_t *packages, struct span name, struct span version)
{
    AUTO(json) json_t *key = json_bytes(name);

    return key && json_object_set_new(packages, json_string_value(key), json_bytes(version)) == 0;
}

static bool add_lines(json_t *packages, struct span text)
{
    struct span line, name, version;

    while (span_split(&text, '\n', &line)) {
        if (!span_split(&line, '\t', &name) || !span_split(&line, '\t', &version) || !name.len)
            continue;
        if (line.at && !span_is(line, "installed"))
            continue;
        if (!add(packages, name, version))
            return false;
    }
    return true;
}

/* Alpine's database, see apk-installed(5): P: is the name, V: the version that follows it. */
static bool add_apk(json_t *packages, struct span text)
{
    struct span line, name = {0};

    while (span_split(&text, '\n', &line)) {
        struct span value = {line.at + 2, line.len - 2};
        if (span_starts(line, "P:"))
            name = value;
        else if (span_starts(line, "V:") && name.len && !add(packages, name, value))
            return false;
    }
    return true;
}

static bool put_manager(json_t *facts, const struct manager *m, struct err *err)
{
    const struct proc_conf conf = {.argv = m->argv, .env = (const char *const[]){"LC_ALL=C", NULL}};
    AUTO(buf) struct buf out = {.max = PACKAGES_MAX};
    AUTO(json) json_t *packages = json_object();
    struct err why = {0};

    if (!path_exists(m->database))
        return true;
    if (proc_run(&conf, PACKAGES_S, &out, &why)) {
        if (!add_lines(packages, buf_view(&out)) || json_object_set(facts, m->name, packages) != 0)
            return err_memory(err);
        return true;
    }
    if (why.code == ERR_STOPPED)
        return err_set(err, ERR_STOPPED, "%s", why.text);
    if (json_object_set_new(facts, m->name, json_null()) != 0 ||
        json_object_set_new(json_object_get(facts, "unknown"), m->name,
                            json_bytes(span_of(why.text))) != 0)
        return err_memory(err);
    return true;
}

bool facts_packages(json_t **out, struct err *err)
{
    AUTO(json) json_t *facts = json_pack("{s:{}}", "unknown");
    AUTO(buf) struct buf text = {.max = PACKAGES_MAX};

    if (!facts)
        return err_memory(err);
    for (size_t i = 0; i < COUNT(managers); i++)
        if (!put_manager(facts, &managers[i], err))
            return false;
    if (file_read(APK_DB, PACKAGES_MAX, &text, NULL)) {
        AUTO(json) json_t *packages = json_object();
        if (!add_apk(packages, buf_view(&text)) || json_object_set(facts, "apk", packages) != 0)
            return err_memory(err);
    }
    *out = TAKE(facts);
    return true;
}
