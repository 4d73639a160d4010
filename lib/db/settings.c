#include "lib/db/settings.h"

#include <ctype.h>
#include <locale.h>

/* A locale that this host does not have keeps PostgreSQL from starting. */
static bool locale_is_here(const char *value)
{
    locale_t l = newlocale(LC_ALL_MASK, value, NULL);

    if (l)
        freelocale(l);
    return l != NULL;
}

/* Names of zones need tables that a new server does not have. */
static bool zone_needs_no_tables(const char *value)
{
    unsigned hours, minutes;
    char sign, more;

    return strcmp(value, "SYSTEM") == 0 ||
           (sscanf(value, "%c%2u:%2u%c", &sign, &hours, &minutes, &more) == 3 &&
            (sign == '+' || sign == '-') && hours < 15 && minutes < 60);
}

#define SAME(name)                     \
    {                                  \
        name, name, NULL, false, false \
    }

static const struct db_setting postgresql[] = {
    {"server_encoding", NULL, NULL, false, false},
    {"lc_collate", NULL, NULL, false, false},
    {"lc_ctype", NULL, NULL, false, false},
    {"shared_preload_libraries", NULL, NULL, false, false},
    {"lc_messages", "lc_messages", locale_is_here, false, false},
    {"lc_monetary", "lc_monetary", locale_is_here, false, false},
    {"lc_numeric", "lc_numeric", locale_is_here, false, false},
    {"lc_time", "lc_time", locale_is_here, false, false},
    SAME("TimeZone"),
    SAME("DateStyle"),
    SAME("IntervalStyle"),
    SAME("search_path"),
    SAME("standard_conforming_strings"),
    SAME("backslash_quote"),
    SAME("array_nulls"),
    SAME("transform_null_equals"),
    SAME("bytea_output"),
    SAME("extra_float_digits"),
    SAME("xmlbinary"),
    SAME("xmloption"),
    SAME("default_text_search_config"),
    SAME("default_transaction_isolation"),
    SAME("statement_timeout"),
    SAME("lock_timeout"),
    SAME("deadlock_timeout"),
    SAME("idle_in_transaction_session_timeout"),
    SAME("jit"),
    SAME("jit_above_cost"),
    SAME("random_page_cost"),
    SAME("seq_page_cost"),
    SAME("cpu_tuple_cost"),
    SAME("cpu_index_tuple_cost"),
    SAME("cpu_operator_cost"),
    SAME("parallel_setup_cost"),
    SAME("parallel_tuple_cost"),
    SAME("min_parallel_table_scan_size"),
    SAME("min_parallel_index_scan_size"),
    SAME("max_parallel_workers_per_gather"),
    SAME("effective_cache_size"),
    SAME("work_mem"),
    SAME("hash_mem_multiplier"),
    SAME("default_statistics_target"),
    SAME("constraint_exclusion"),
    SAME("cursor_tuple_fraction"),
    SAME("from_collapse_limit"),
    SAME("join_collapse_limit"),
    SAME("geqo"),
    SAME("geqo_threshold"),
    SAME("plan_cache_mode"),
    SAME("enable_bitmapscan"),
    SAME("enable_gathermerge"),
    SAME("enable_hashagg"),
    SAME("enable_hashjoin"),
    SAME("enable_incremental_sort"),
    SAME("enable_indexonlyscan"),
    SAME("enable_indexscan"),
    SAME("enable_material"),
    SAME("enable_memoize"),
    SAME("enable_mergejoin"),
    SAME("enable_nestloop"),
    SAME("enable_parallel_append"),
    SAME("enable_parallel_hash"),
    SAME("enable_partition_pruning"),
    SAME("enable_partitionwise_aggregate"),
    SAME("enable_partitionwise_join"),
    SAME("enable_seqscan"),
    SAME("enable_sort"),
    SAME("enable_tidscan"),
};

static const struct db_setting mariadb[] = {
    /* No variable shows them: they are never production's. */
    {"plugin_load", NULL, NULL, true, true},
    {"plugin_load_add", NULL, NULL, true, true},
    {"lower_case_table_names", "lower_case_table_names", NULL, true, false},
    {"ft_min_word_len", "ft_min_word_len", NULL, true, false},
    {"ft_max_word_len", "ft_max_word_len", NULL, true, false},
    {"innodb_ft_min_token_size", "innodb_ft_min_token_size", NULL, true, false},
    {"innodb_ft_max_token_size", "innodb_ft_max_token_size", NULL, true, false},
    {"innodb_ft_enable_stopword", "innodb_ft_enable_stopword", NULL, true, false},
    {"time_zone", "default_time_zone", zone_needs_no_tables, false, false},
    {"tx_isolation", "transaction_isolation", NULL, false, false},
    {"character_set_server", "character_set_server", NULL, false, true}, /* a pair */
    {"collation_server", "collation_server", NULL, false, true},
    {"optimizer_switch", "optimizer_switch", NULL, false, true},
    {"old_mode", "old_mode", NULL, false, true},
    {"use_stat_tables", "use_stat_tables", NULL, false, true},
    {"optimizer_use_condition_selectivity", "optimizer_use_condition_selectivity", NULL, false,
     true},
    {"join_cache_level", "join_cache_level", NULL, false, true},
    {"max_statement_time", "max_statement_time", NULL, false, true},
    {"innodb_snapshot_isolation", "innodb_snapshot_isolation", NULL, false, true},
    SAME("transaction_isolation"),
    SAME("sql_mode"),
    SAME("innodb_strict_mode"),
    SAME("innodb_lock_wait_timeout"),
    SAME("innodb_rollback_on_timeout"),
    SAME("innodb_deadlock_detect"),
    SAME("lock_wait_timeout"),
    SAME("group_concat_max_len"),
    SAME("max_allowed_packet"),
    SAME("max_sort_length"),
    SAME("explicit_defaults_for_timestamp"),
    SAME("div_precision_increment"),
    SAME("default_week_format"),
    SAME("lc_time_names"),
    SAME("eq_range_index_dive_limit"),
    SAME("optimizer_search_depth"),
    SAME("optimizer_prune_level"),
};

#undef SAME

const struct db_setting *db_settings(enum db_engine engine, size_t *count)
{
    *count = engine == DB_POSTGRESQL ? COUNT(postgresql) : COUNT(mariadb);
    return engine == DB_POSTGRESQL ? postgresql : mariadb;
}

/* A line's end would begin another setting; MariaDB's files have escapes that SHOW does not. */
static bool is_plain(enum db_engine engine, const char *value)
{
    for (const char *c = value; *c; c++)
        if (iscntrl((unsigned char)*c) || (engine == DB_MARIADB && strchr("\"'\\", *c)))
            return false;
    return true;
}

bool db_setting_usable(const struct db_setting *s, enum db_engine engine, const char *value,
                       bool from_mysql)
{
    return s->option && is_plain(engine, value) && (!s->starts || s->starts(value)) &&
           !(from_mysql && (s->forked));
}

/* "sql-mode", "SQL_MODE" and "loose-sql-mode" are one. */
static bool same_option(const char *given, const char *name)
{
    if (!name)
        return false;
    for (; *given && *name; given++, name++) {
        char g = *given == '-' ? '_' : (char)tolower((unsigned char)*given);
        if (g != tolower((unsigned char)*name))
            return false;
    }
    return !*given && !*name;
}

bool db_setting_is(const struct db_setting *s, const char *given)
{
    if (strncasecmp(given, "loose", 5) == 0 && (given[5] == '-' || given[5] == '_'))
        given += 6;
    return same_option(given, s->option) || same_option(given, s->name);
}
