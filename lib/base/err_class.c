#include "lib/base/err.h"

const struct err_class err_classes[] = {
    {ERR_FAILED, "failed", "an error of no other class"},
    {ERR_USAGE, "usage", "a mistake in the command line"},
    {ERR_CONFIG, "config", "a mistake in an environment or release file"},
    {ERR_UNREACHABLE, "unreachable", "a server does not answer"},
    {ERR_AUTH, "auth", "a wrong or missing password, key or user"},
    {ERR_RIGHTS, "rights", "a missing privilege or file permission"},
    {ERR_SPACE, "space", "a full disk or an exhausted quota"},
    {ERR_DAMAGED, "damaged", "a bundle, tape or journal that is truncated or altered"},
    {ERR_MISSING, "missing", "a named thing does not exist"},
    {ERR_EXISTS, "exists", "something would have been overwritten"},
    {ERR_SERVICE, "service", "a service died or never became healthy"},
    {ERR_LOCK, "lock", "a lock or a peer was in the way too long"},
    {ERR_SQL, "sql", "a statement failed in a database"},
    {ERR_IO, "io", "a system call failed"},
    {ERR_DIFFERS, "differs", "a check found a difference"},
    {ERR_UNSUPPORTED, "unsupported", "a version or feature that is not handled"},
    {ERR_STOPPED, "stopped", "interrupted by a signal"},
    {ERR_NONE, "none", "success"},
};

const char *err_class_name(enum err_code code)
{
    const struct err_class *c = err_classes;

    while (c->code != ERR_NONE && c->code != code)
        c++;
    return c->code == code ? c->name : "failed";
}
