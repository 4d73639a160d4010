#include "lib/env/facts.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <mntent.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define FILE_MAX ((size_t)1 << 20)

/* Takes `value` over; without one the fact is null and says why. */
static bool put(json_t *facts, const char *name, json_t *value, const char *why)
{
    json_t *unknown = json_object_get(facts, "unknown");

    if (!value && json_object_set_new(unknown, name, json_string(why)) != 0)
        return false;
    return json_object_set_new(facts, name, value ? value : json_null()) == 0;
}

static bool put_text(json_t *facts, const char *name, const char *text, const char *why)
{
    return put(facts, name, text && *text ? json_bytes(span_of(text)) : NULL, why);
}

static bool put_kernel(json_t *facts)
{
    struct utsname u;
    bool known = uname(&u) == 0;
    const char *why = known ? "" : strerrordesc_np(errno);

    return put_text(facts, "kernel", known ? u.release : NULL, why) &&
           put_text(facts, "machine", known ? u.machine : NULL, why) &&
           put_text(facts, "hostname", known ? u.nodename : NULL, why);
}

/* NAME="value" lines, as in os-release(5) and /etc/default/locale. */
static json_t *read_assignments(const char *path, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *o = json_object();

    if (!o || !file_read(path, FILE_MAX, &text, err))
        return NULL;
    struct span rest = buf_view(&text), line, name;
    while (span_split(&rest, '\n', &line)) {
        struct span value = span_trim(line);
        if (!value.len || value.at[0] == '#' || !span_split(&value, '=', &name) || !value.at)
            continue;
        char quote = value.len >= 2 ? value.at[0] : 0;
        if ((quote == '"' || quote == '\'') && value.at[value.len - 1] == quote)
            value = (struct span){value.at + 1, value.len - 2};
        AUTO(free) char *key = span_dup(name);
        if (!key || json_object_set_new(o, key, json_bytes(value)) != 0)
            continue; /* a key that is not UTF-8 is no name that anybody reads */
    }
    return TAKE(o);
}

static bool put_os(json_t *facts)
{
    struct err why = {0};
    json_t *os = read_assignments("/etc/os-release", &why);

    if (!os)
        os = read_assignments("/usr/lib/os-release", &why);
    return put(facts, "os", os, why.text);
}

static bool put_size(json_t *facts)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    bool memory = pages > 0 && page_bytes > 0;

    return put(facts, "cpus", cpus > 0 ? json_integer(cpus) : NULL, "sysconf does not tell") &&
           put(facts, "memory_bytes", memory ? json_integer((json_int_t)pages * page_bytes) : NULL,
               "sysconf does not tell");
}

/* What programs started here get from the environment, and what logins get from the system. */
static bool put_locale(json_t *facts)
{
    static const char *const names[] = {"LANG",        "LC_ALL",      "LC_COLLATE", "LC_CTYPE",
                                        "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"};
    AUTO(json) json_t *locale = json_object();
    AUTO(json) json_t *logins = read_assignments("/etc/default/locale", NULL);

    if (!locale)
        return false;
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && json_object_set_new(locale, names[i], json_bytes(span_of(value))) != 0)
            return false;
    }
    if (logins && json_object_set(locale, "system", logins) != 0)
        return false;
    return put(facts, "locale", TAKE(locale), "");
}

static bool put_timezone(json_t *facts)
{
    static const char zones[] = "/zoneinfo/";
    AUTO(buf) struct buf text = {0};
    const char *tz = getenv("TZ");
    char link[512];

    if (tz && *tz)
        return put_text(facts, "timezone", tz, "");
    ssize_t len = readlink("/etc/localtime", link, sizeof(link) - 1);
    link[len > 0 ? len : 0] = 0;
    const char *zone = strstr(link, zones);
    if (zone)
        return put_text(facts, "timezone", zone + strlen(zones), "");
    if (!file_read("/etc/timezone", FILE_MAX, &text, NULL))
        return put_text(facts, "timezone", NULL, "neither /etc/localtime nor /etc/timezone tells");
    struct span name = span_trim(buf_view(&text));
    return put(facts, "timezone", name.len ? json_bytes(name) : NULL, "/etc/timezone is empty");
}

static json_t *limit_json(rlim_t limit)
{
    return limit == RLIM_INFINITY ? json_string("unlimited") : json_integer((json_int_t)limit);
}

static bool put_limits(json_t *facts)
{
    static const struct {
        const char *name;
        __rlimit_resource_t which;
    } limits[] = {
        {"open_files", RLIMIT_NOFILE}, {"processes", RLIMIT_NPROC},
        {"core_bytes", RLIMIT_CORE},   {"stack_bytes", RLIMIT_STACK},
        {"memory_bytes", RLIMIT_AS},   {"locked_bytes", RLIMIT_MEMLOCK},
        {"file_bytes", RLIMIT_FSIZE},  {"cpu_s", RLIMIT_CPU},
    };
    AUTO(json) json_t *all = json_object();
    struct rlimit r;

    for (size_t i = 0; all && i < COUNT(limits); i++) {
        if (getrlimit(limits[i].which, &r) != 0)
            continue;
        json_t *both =
            json_pack("{s:o,s:o}", "soft", limit_json(r.rlim_cur), "hard", limit_json(r.rlim_max));
        if (json_object_set_new(all, limits[i].name, both) != 0)
            return false;
    }
    return put(facts, "limits", TAKE(all), "out of memory");
}

/* Windows into the kernel: every host has them and no release depends on their being mounted. */
static bool is_kernel_mount(const char *type)
{
    static const char *const types[] = {
        "autofs", "binfmt_misc", "bpf",      "cgroup",     "cgroup2",   "configfs", "debugfs",
        "devpts", "devtmpfs",    "efivarfs", "fusectl",    "hugetlbfs", "mqueue",   "nsfs",
        "proc",   "rpc_pipefs",  "pstore",   "securityfs", "sysfs",     "tracefs"};

    for (size_t i = 0; i < COUNT(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static inline void auto_mounts(FILE **f)
{
    if (*f)
        endmntent(*f);
}

static bool put_mounts(json_t *facts)
{
    AUTO(json) json_t *all = json_array();
    AUTO(mounts) FILE *f = setmntent("/proc/self/mounts", "re");
    struct mntent entry;
    char text[8192];

    if (!f)
        return put(facts, "mounts", NULL, "cannot read /proc/self/mounts");
    while (getmntent_r(f, &entry, text, sizeof(text))) {
        if (is_kernel_mount(entry.mnt_type))
            continue;
        json_t *one = json_pack("{s:o,s:o,s:o}", "path", json_bytes(span_of(entry.mnt_dir)), "type",
                                json_bytes(span_of(entry.mnt_type)), "options",
                                json_bytes(span_of(entry.mnt_opts)));
        if (json_array_append_new(all, one) != 0)
            return false;
    }
    return put(facts, "mounts", TAKE(all), "");
}

bool facts_host(json_t **out, struct err *err)
{
    AUTO(json) json_t *facts = json_pack("{s:{}}", "unknown");

    if (!facts || !put_kernel(facts) || !put_os(facts) || !put_size(facts) || !put_locale(facts) ||
        !put_timezone(facts) ||
        !put_text(facts, "glibc", gnu_get_libc_version(), "the C library does not tell") ||
        !put_limits(facts) || !put_mounts(facts))
        return err_memory(err);
    *out = TAKE(facts);
    return true;
}
