/* Server and client error numbers as classes of ours, with the mend. */
#include "lib/db/my.h"
#include "lib/db/values.h"

struct my_rule {
    unsigned from, to; /* error numbers, inclusive */
    enum err_code code;
    const char *hint; /* NULL: made from the message, or none */
};

/* Numbers: mysqld_error.h and errmsg.h of MariaDB 10.11 and MySQL 8.0. */
static const struct my_rule rules[] = {
    {1021, 1021, ERR_SPACE, "free space where the server keeps its data"},
    {1030, 1030, ERR_SQL, "the storage engine failed; its number is explained by 'perror'"},
    {1040, 1040, ERR_UNREACHABLE, "raise max_connections, or use fewer --jobs"},
    {1041, 1041, ERR_SPACE, "the server is out of memory"},
    {1044, 1044, ERR_RIGHTS, NULL},
    {1045, 1045, ERR_AUTH, "check user, password_env and password_file; or ~/.my.cnf"},
    {1049, 1049, ERR_MISSING, "check 'database' in the environment file"},
    {1053, 1053, ERR_UNREACHABLE, "the server is shutting down"},
    {1114, 1114, ERR_SPACE,
     "free space, or raise the limit of the tablespace or of "
     "max_heap_table_size"},
    {1129, 1130, ERR_AUTH, "the server refuses this host: see its accounts and 'FLUSH HOSTS'"},
    {1142, 1143, ERR_RIGHTS, NULL},
    {1146, 1146, ERR_SQL, "it was dropped or renamed meanwhile"},
    {1203, 1203, ERR_UNREACHABLE, "raise max_user_connections, or use fewer --jobs"},
    {1205, 1205, ERR_LOCK,
     "somebody holds the lock: see SHOW PROCESSLIST; or raise "
     "--lock-timeout"},
    {1206, 1206, ERR_LOCK, "raise innodb_buffer_pool_size"},
    {1213, 1213, ERR_LOCK, "two sessions waited for each other: repeat"},
    {1227, 1227, ERR_RIGHTS, NULL},
    {1317, 1317, ERR_STOPPED, NULL},
    {1370, 1370, ERR_RIGHTS, NULL},
    {1412, 1412, ERR_LOCK, "a table was altered during the snapshot: repeat when no DDL runs"},
    {1418, 1419, ERR_RIGHTS,
     "SET GLOBAL log_bin_trust_function_creators = 1, or take an account with SUPER"},
    {1524, 1524, ERR_AUTH, "the account's authentication plugin is not loaded"},
    {1698, 1698, ERR_AUTH, "the account takes only the system user of its name, by the socket"},
    {1812, 1812, ERR_SQL, "its file is gone: ALTER TABLE ... IMPORT TABLESPACE, or drop the table"},
    {1813, 1813, ERR_SQL, "a file of that name is left in the server's directory: move it away"},
    {1814, 1814, ERR_SQL,
     "its file was discarded: ALTER TABLE ... IMPORT TABLESPACE, or drop the table"},
    {1820, 1820, ERR_AUTH, "the account's password has expired"},
    {1969, 1969, ERR_LOCK, "max_statement_time ended the statement"},
    {2002, 2003, ERR_UNREACHABLE, "is the server running, and are host, port and socket right?"},
    {2005, 2006, ERR_UNREACHABLE, "is the server running, and are host, port and socket right?"},
    {2013, 2013, ERR_UNREACHABLE, "the server went away: see its error log"},
    {2026, 2026, ERR_UNREACHABLE, "TLS could not be agreed"},
    {2059, 2059, ERR_AUTH, "the account's authentication plugin is not known to the client"},
    {4151, 4151, ERR_AUTH, "the account is locked"},
};

static const struct my_rule *rule_of(unsigned number)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        if (number >= rules[i].from && number <= rules[i].to)
            return &rules[i];
    }
    return NULL;
}

/* What stands between two marks of a message, into out; false when it is not there. */
static bool between(const char *text, const char *before, const char *after, char *out, size_t size)
{
    const char *from = strstr(text, before);
    if (!from)
        return false;
    from += strlen(before);
    const char *to = strstr(from, after);
    if (!to)
        return false;
    snprintf(out, size, "%.*s", (int)(to - from), from);
    return true;
}

/* The GRANT that the message asks for. */
static void hint_grant(const char *text, struct err *err)
{
    char what[96] = "", who[96] = "", on[96] = "";

    if (between(text, "(at least one of) the ", " privilege", what, sizeof(what))) {
        err_hint(err, "GRANT %s ON *.* to the account", what);
    } else if (between(text, "to user '", "' for table", who, sizeof(who)) &&
               between(text, "for table ", "", on, sizeof(on))) {
        snprintf(what, sizeof(what), "%.*s", (int)strcspn(text, " "), text);
        snprintf(on, sizeof(on), "%s", strstr(text, "for table ") + strlen("for table "));
        err_hint(err, "GRANT %s ON %s TO '%s'", what, on, who);
    } else if (between(text, "for user '", "' to database", who, sizeof(who)) &&
               between(text, "to database '", "'", on, sizeof(on))) {
        err_hint(err, "GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON `%s`.* TO '%s'", on,
                 who);
    } else {
        err_hint(err, "the account lacks a privilege: see SHOW GRANTS");
    }
}

static bool fail(MYSQL *my, const char *label, bool values, struct err *err)
{
    AUTO(buf) struct buf said = {0};
    unsigned number = mysql_errno(my);
    const struct my_rule *rule = rule_of(number);
    enum err_code code = rule ? rule->code : ERR_SQL;

    if (values)
        buf_puts(&said, mysql_error(my));
    else
        values_hide_my(number, span_of(mysql_error(my)), &said);
    err_set(err, code, "%s: %s (error %u, SQLSTATE %s)", label, buf_str(&said), number,
            mysql_sqlstate(my));
    if (rule && rule->hint)
        err_hint(err, "%s", rule->hint);
    else if (code == ERR_RIGHTS)
        hint_grant(mysql_error(my), err);
    return false;
}

bool my_fail_raw(MYSQL *my, const char *label, struct err *err)
{
    return fail(my, label, false, err);
}

bool my_fail(struct mydb *db, struct err *err)
{
    return fail(db->my, db->base.label, db->base.show_values, err);
}
