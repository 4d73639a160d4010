#include "tests/test.h"

#include "lib/base/json.h"
#include "rehearse/verdict.h"
#include "rehearse/verdict_rules.h"

static const struct release_judge lenient = {.latency_ratio = 1.5,
                                             .latency_min_ms = 10,
                                             .lateness_p99_ms = 50,
                                             .lock_budget_s = 5,
                                             .statement_budget_s = 600,
                                             .min_requests = 20};

#define REPLAYED                                                                               \
    "{\"event\":\"replay.summary\",\"label\":\"candidate\",\"requests\":100,\"answered\":100," \
    "\"errors\":0,\"late_p99_us\":900,\"gaps\":0,\"connections\":9}"

/* Judges the events of `lines` (comma-separated objects) behind a candidate replay that is fine. */
static struct verdict_result judged(const char *lines, const struct release_judge *policy)
{
    AUTO(free) char *text = NULL;
    AUTO(json) json_t *events = NULL;
    struct verdict_result v = {0};
    struct err err = {0};

    assert_true(asprintf(&text, "[%s%s%s]", REPLAYED, lines[0] ? "," : "", lines) > 0);
    assert_true(json_parse(span_of(text), "test", &events, &err));
    assert_true(verdict_judge(events, policy, &v, &err));
    return v;
}

static const struct reason *worst(const struct verdict_result *v)
{
    assert_true(v->reasons.count > 0);
    return v->reasons.at;
}

TEST(nothing_found_is_go)
{
    AUTO(verdict) struct verdict_result v = judged("", &lenient);

    assert_int_equal(v.verdict, VERDICT_GO);
    assert_int_equal(v.reasons.count, 0);
}

/* Each event, the verdict it must lead to, and the rule that says so. */
static const struct {
    const char *events;
    enum verdict verdict;
    const char *rule;
} cases[] = {
    {"{\"event\":\"step.done\",\"step\":8,\"title\":\"t\",\"status\":\"failed\",\"why\":\"w\"}",
     VERDICT_NO_GO, "step-failed"},
    {"{\"event\":\"migrate.file\",\"file\":\"V1\",\"status\":\"failed\",\"why\":\"w\"}",
     VERDICT_NO_GO, "migration-failed"},
    {"{\"event\":\"migrate.change\",\"table\":\"t\",\"rows_before\":9,\"rows_after\":0}",
     VERDICT_NO_GO, "table-emptied"},
    {"{\"event\":\"migrate.change\",\"table\":\"t\",\"rows_before\":9,\"rows_after\":8}",
     VERDICT_GO, "rows-lost"},
    {"{\"event\":\"migrate.change\",\"table\":\"t\",\"rows_before\":10,\"rows_after\":5}",
     VERDICT_NO_GO, "rows-lost"},
    {"{\"event\":\"migrate.change\",\"table\":\"articles\",\"rows_before\":9,\"rows_after\":9,"
     "\"changed\":9,\"file\":\"d.sql\",\"line\":3,\"columns\":[{\"column\":\"price\","
     "\"nonnull_before\":9,\"nonnull_after\":9,\"distinct_before\":2,\"distinct_after\":1}]}",
     VERDICT_NO_GO, "column-wiped"},
    {"{\"event\":\"migrate.statement\",\"no_where\":true,\"file\":\"f\",\"line\":1,\"sql\":\"s\"}",
     VERDICT_GO, "no-where"},
    {"{\"event\":\"migrate.statement\",\"took_ms\":601000,\"file\":\"f\",\"line\":1}",
     VERDICT_NO_GO, "statement-slow"},
    {"{\"event\":\"migrate.statement\",\"took_ms\":6000,\"file\":\"f\",\"line\":1,\"locks\":"
     "[{\"table\":\"t\",\"mode\":\"AccessExclusiveLock\"}]}",
     VERDICT_NO_GO, "lock-long"},
    {"{\"event\":\"migrate.invalid_index\",\"index\":\"i\",\"table\":\"t\",\"file\":\"f\"}",
     VERDICT_NO_GO, "invalid-index"},
    {"{\"event\":\"box.service\",\"service\":\"web\",\"state\":\"died\",\"detail\":\"d\"}",
     VERDICT_NO_GO, "service-died"},
    {"{\"event\":\"smoke\",\"url\":\"u\",\"ok\":false,\"detail\":\"d\"}", VERDICT_NO_GO,
     "smoke-failed"},
    {"{\"event\":\"replay.difference\",\"endpoint\":\"GET /a\",\"where\":\"$.x\",\"kind\":"
     "\"missing\",\"count\":3,\"requests\":3,\"example\":{\"old\":\"1\",\"new\":\"\"}}",
     VERDICT_NO_GO, "response-changed"},
    {"{\"event\":\"replay.difference\",\"endpoint\":\"GET /a\",\"where\":\"$.x\",\"kind\":"
     "\"added\",\"count\":3,\"requests\":3,\"example\":{\"old\":\"\",\"new\":\"1\"}}",
     VERDICT_GO, "response-changed"},
    {"{\"event\":\"replay.latency\",\"endpoint\":\"GET /a\",\"old_p50_us\":2000,\"new_p50_us\":"
     "90000,\"old_p95_us\":3000,\"new_p95_us\":99000,\"p_value\":0.0001}",
     VERDICT_NO_GO, "slower"},
    {"{\"event\":\"replay.summary\",\"label\":\"baseline-1\",\"requests\":100,\"answered\":90,"
     "\"errors\":10}",
     VERDICT_INCONCLUSIVE, "requests-failed"},
    {"{\"event\":\"replay.summary\",\"label\":\"baseline-1\",\"requests\":100,\"answered\":100,"
     "\"late_p99_us\":60000}",
     VERDICT_INCONCLUSIVE, "sent-late"},
    {"{\"event\":\"replay.summary\",\"label\":\"candidate\",\"requests\":100,\"answered\":100,"
     "\"gaps\":5,\"gap_bytes\":99,\"connections\":9}",
     VERDICT_INCONCLUSIVE, "capture-loss"},
    {"{\"event\":\"replay.summary\",\"label\":\"candidate\",\"requests\":9,\"answered\":9}",
     VERDICT_INCONCLUSIVE, "few-requests"},
    {"{\"event\":\"replay.touched\",\"database\":\"d\",\"table\":\"a\",\"reads\":5},"
     "{\"event\":\"migrate.change\",\"database\":\"d\",\"table\":\"b\",\"rows_before\":1,"
     "\"rows_after\":2}",
     VERDICT_INCONCLUSIVE, "untouched"},
    {"{\"event\":\"restore.check\",\"component\":\"c\",\"ok\":false}", VERDICT_INCONCLUSIVE,
     "rows-differ"},
    {"{\"event\":\"drift\",\"kind\":\"package\",\"name\":\"libc6\",\"production\":\"1\",\"box\":"
     "\"2\"}",
     VERDICT_GO, "drift"},
    {"{\"event\":\"migrate.lint\",\"file\":\"f\",\"line\":2,\"rule\":\"r\",\"text\":\"t\"}",
     VERDICT_GO, "lint"},
};

TEST(each_rule_finds_its_accident)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(verdict) struct verdict_result v = judged(cases[i].events, &lenient);

        assert_string_equal(worst(&v)->rule, cases[i].rule);
        assert_int_equal(v.verdict, cases[i].verdict);
    }
}

/* A rule without a case above is a rule that nobody knows to work. */
TEST(every_rule_has_a_case)
{
    for (size_t r = 0; r < judge_rules_count; r++) {
        const char *name = judge_rules[r].about.name;
        bool found = strcmp(name, "not-replayed") == 0; /* has a test of its own */

        for (size_t i = 0; i < COUNT(cases); i++)
            found = found || strcmp(cases[i].rule, name) == 0;
        if (!found)
            print_error("no case for rule %s\n", name);
        assert_true(found);
    }
}

TEST(a_release_that_was_never_replayed_is_inconclusive)
{
    AUTO(json) json_t *none = json_array();
    AUTO(verdict) struct verdict_result v = {0};
    struct err err = {0};

    assert_true(verdict_judge(none, &lenient, &v, &err));
    assert_int_equal(v.verdict, VERDICT_INCONCLUSIVE);
    assert_string_equal(worst(&v)->rule, "not-replayed");
}

/* A run that failed by its machinery and was resumed is judged by what came of it. */
TEST(the_last_word_of_a_step_and_a_service_counts)
{
    static const struct {
        const char *events;
        enum verdict verdict;
    } orders[] = {
        {"{\"event\":\"step.done\",\"step\":4,\"status\":\"ok\"},"
         "{\"event\":\"step.done\",\"step\":5,\"status\":\"failed\"},"
         "{\"event\":\"run.resume\",\"after_step\":4},"
         "{\"event\":\"step.done\",\"step\":5,\"status\":\"ok\"}",
         VERDICT_GO},
        {"{\"event\":\"step.done\",\"step\":5,\"status\":\"ok\"},"
         "{\"event\":\"step.done\",\"step\":6,\"status\":\"failed\"}",
         VERDICT_NO_GO},
        {"{\"event\":\"box.service\",\"service\":\"web\",\"state\":\"died\"},"
         "{\"event\":\"box.service\",\"service\":\"web\",\"state\":\"healthy\"}",
         VERDICT_GO},
        {"{\"event\":\"box.service\",\"service\":\"web\",\"state\":\"died\"},"
         "{\"event\":\"box.service\",\"service\":\"api\",\"state\":\"healthy\"}",
         VERDICT_NO_GO},
        {"{\"event\":\"box.service\",\"service\":\"web\",\"state\":\"healthy\"},"
         "{\"event\":\"box.service\",\"service\":\"web\",\"state\":\"timeout\"}",
         VERDICT_NO_GO},
    };

    for (size_t i = 0; i < COUNT(orders); i++) {
        AUTO(verdict) struct verdict_result v = judged(orders[i].events, &lenient);
        assert_int_equal(v.verdict, orders[i].verdict);
    }
}

TEST(no_go_outweighs_doubt)
{
    AUTO(verdict)
    struct verdict_result v =
        judged("{\"event\":\"replay.summary\",\"label\":\"candidate\",\"answered\":3},"
               "{\"event\":\"smoke\",\"url\":\"u\",\"ok\":false,\"detail\":\"d\"}",
               &lenient);

    assert_int_equal(v.verdict, VERDICT_NO_GO);
    assert_string_equal(worst(&v)->rule, "smoke-failed");
}

/* Slower counts only when it is significant, large enough and a large enough share. */
TEST(small_or_lucky_latency_changes_do_not_count)
{
    static const char *const fine[] = {
        "{\"event\":\"replay.latency\",\"endpoint\":\"e\",\"old_p50_us\":2000,\"new_p50_us\":90000,"
        "\"old_p95_us\":2000,\"new_p95_us\":90000,\"p_value\":0.2}",
        "{\"event\":\"replay.latency\",\"endpoint\":\"e\",\"old_p50_us\":1000,\"new_p50_us\":9000,"
        "\"old_p95_us\":1000,\"new_p95_us\":9000,\"p_value\":0.0001}",
        "{\"event\":\"replay.latency\",\"endpoint\":\"e\",\"old_p50_us\":100000,\"new_p50_us\":"
        "130000,\"old_p95_us\":100000,\"new_p95_us\":130000,\"p_value\":0.0001}",
        /* Twice as slow, but so was the old release against itself. */
        "{\"event\":\"replay.latency\",\"endpoint\":\"e\",\"old_p50_us\":20000,\"new_p50_us\":"
        "40000,\"old_p95_us\":20000,\"new_p95_us\":40000,\"noise_ratio_p50\":0.5,"
        "\"noise_ratio_p95\":1.9,\"p_value\":0.0001}",
    };

    for (size_t i = 0; i < COUNT(fine); i++) {
        AUTO(verdict) struct verdict_result v = judged(fine[i], &lenient);
        assert_int_equal(v.verdict, VERDICT_GO);
    }
}

#define SLOW                                                                                    \
    "{\"event\":\"replay.latency\",\"endpoint\":\"GET /a\",\"old_p50_us\":2000,\"new_p50_us\":" \
    "90000,\"old_p95_us\":3000,\"new_p95_us\":99000,\"p_value\":0.0001,\"requests\":9}"
#define AGAIN(endpoint, p50)                                                                  \
    ",{\"event\":\"replay.latency_again\",\"endpoint\":\"" endpoint "\",\"old_p50_us\":2000," \
    "\"new_p50_us\":" p50 ",\"old_p95_us\":3000,\"new_p95_us\":" p50                          \
    ",\"p_value\":0.0001,\"requests\":9}"

/* A neighbour on the machine slows one run, a regression both. */
TEST(what_was_slower_only_once_is_a_warning)
{
    static const struct {
        const char *events;
        enum verdict verdict;
        const char *text;
    } runs[] = {
        {SLOW AGAIN("GET /a", "2100"), VERDICT_GO, "; but p50 2.1 ms in a second run"},
        {SLOW AGAIN("GET /a", "88000"), VERDICT_NO_GO, "; p50 88.0 ms in a second run"},
        /* Another percentile is slow then: slow both times. */
        {SLOW ",{\"event\":\"replay.latency_again\",\"endpoint\":\"GET /a\",\"old_p50_us\":2000,"
              "\"new_p50_us\":2100,\"old_p95_us\":3000,\"new_p95_us\":70000,\"p_value\":0.0001,"
              "\"requests\":9}",
         VERDICT_NO_GO, "; p95 70.0 ms in a second run"},
        /* A run that measured less says nothing. */
        {SLOW ",{\"event\":\"replay.latency_again\",\"endpoint\":\"GET /a\",\"old_p50_us\":2000,"
              "\"new_p50_us\":2100,\"p_value\":0.3,\"requests\":3}",
         VERDICT_NO_GO, "(45.0 times; p = 0.0001)"},
        {SLOW AGAIN("GET /b", "2100"), VERDICT_NO_GO, "(45.0 times; p = 0.0001)"},
        /* A run that failed says nothing either, and the report says why. */
        {SLOW ",{\"event\":\"replay.unconfirmed\",\"why\":\"service 'web' died\"}", VERDICT_NO_GO,
         "; a second run says nothing of it: service 'web' died"},
        /* What an interrupted attempt could not confirm, the resumed run did. */
        {"{\"event\":\"replay.unconfirmed\",\"why\":\"disk full\"}," SLOW AGAIN("GET /a", "88000"),
         VERDICT_NO_GO, "; p50 88.0 ms in a second run"},
    };

    for (size_t i = 0; i < COUNT(runs); i++) {
        AUTO(verdict) struct verdict_result v = judged(runs[i].events, &lenient);

        assert_int_equal(v.verdict, runs[i].verdict);
        assert_string_equal(worst(&v)->rule, "slower");
        assert_non_null(strstr(worst(&v)->text, runs[i].text));
    }
}

/* Answers that fail are quick: a second run with faults of its own acquits nobody. */
TEST(faults_of_a_second_run_are_found)
{
    AUTO(verdict) struct verdict_result first = judged(SLOW, &lenient);
    AUTO(verdict) struct verdict_result same = judged(SLOW, &lenient);
    AUTO(verdict)
    struct verdict_result failing = judged(
        "{\"event\":\"replay.difference\",\"endpoint\":\"GET /a\",\"where\":\"status\",\"kind\":"
        "\"changed\",\"count\":3,\"requests\":3,\"example\":{\"old\":\"200\",\"new\":\"500\"}}",
        &lenient);

    assert_null(verdict_worse(&first, &same, "slower"));
    assert_null(verdict_worse(&failing, &failing, "slower"));
    const struct reason *worse = verdict_worse(&first, &failing, "slower");
    assert_non_null(worse);
    assert_string_equal(worse->rule, "response-changed");
}

/* What the first run lacked as well, or the release file accepts of it, is no fault of the second. */
TEST(both_runs_of_the_new_release_are_one_subject)
{
#define REPLAY(label, figures)                                               \
    {                                                                        \
        "{\"event\":\"replay.summary\",\"label\":\"" label "\"," figures "}" \
    }
#define FAULT(figures)                                               \
    {                                                                \
        REPLAY("candidate", figures), REPLAY("candidate-2", figures) \
    }
    static const struct {
        const char *events;
    } faults[][2] = {
        FAULT("\"requests\":100,\"answered\":90,\"errors\":10"),
        FAULT("\"requests\":100,\"answered\":100,\"late_p99_us\":60000"),
        FAULT("\"requests\":9,\"answered\":9"),
    };
    char rule[] = "requests-failed", subject[] = "candidate", why[] = "known";
    struct release_accept accept[] = {{rule, subject, why}};
    struct release_judge policy = lenient;

    for (size_t i = 0; i < COUNT(faults); i++) {
        AUTO(verdict) struct verdict_result first = judged(faults[i][0].events, &lenient);
        AUTO(verdict) struct verdict_result second = judged(faults[i][1].events, &lenient);
        AUTO(verdict) struct verdict_result none = judged("", &lenient);

        assert_null(verdict_worse(&first, &second, "slower"));
        assert_non_null(verdict_worse(&none, &second, "slower"));
    }
    policy.accept = accept;
    policy.accept_count = 1;
    AUTO(verdict)
    struct verdict_result again = judged("{\"event\":\"replay.summary\",\"label\":\"candidate-2\","
                                         "\"requests\":100,\"answered\":90,\"errors\":10}",
                                         &policy);
    assert_int_equal(again.verdict, VERDICT_GO);
}

#define STEP(n, status) "{\"event\":\"step.done\",\"step\":" n ",\"status\":\"" status "\"},"
#define RESUMED         "{\"event\":\"run.resume\",\"after_step\":5},"
#define WIPED                                                                           \
    "{\"event\":\"migrate.change\",\"table\":\"a\",\"rows_before\":9,\"rows_after\":9," \
    "\"changed\":9,\"columns\":[{\"column\":\"p\",\"nonnull_after\":9}]}"

/* A resumed run repeats what lies behind its checkpoint: what an attempt did there that was cut off,
 * by a kill in its second run for one, does not count, and is not told twice. */
TEST(what_a_resumed_run_repeats_counts_once)
{
    static const struct {
        const char *events;
        enum verdict verdict;
        size_t reasons;
    } runs[] = {
        {STEP("5", "ok") WIPED "," SLOW "," RESUMED WIPED "," SLOW, VERDICT_NO_GO, 2},
        {STEP("5", "ok") WIPED "," SLOW "," RESUMED WIPED "," SLOW "," RESUMED WIPED, VERDICT_NO_GO,
         1},
        /* The disk was full at that time. */
        {STEP("5", "ok") "{\"event\":\"migrate.file\",\"file\":\"V1\",\"status\":\"failed\"}," STEP(
             "8", "failed") RESUMED "{\"event\":\"migrate.file\",\"file\":\"V1\",\"status\":"
                                    "\"applied\"}",
         VERDICT_GO, 0},
        /* Cut off before its first checkpoint, it begins anew. */
        {"{\"event\":\"restore.check\",\"component\":\"c\",\"ok\":false},"
         "{\"event\":\"run.start\",\"after_step\":0}",
         VERDICT_GO, 0},
        /* What lies before the checkpoint is not repeated, and stands. */
        {"{\"event\":\"restore.check\",\"component\":\"c\",\"ok\":false}," STEP("4", "ok")
             STEP("5", "ok") RESUMED STEP("6", "ok") "{\"event\":\"x\"}",
         VERDICT_INCONCLUSIVE, 1},
    };

    for (size_t i = 0; i < COUNT(runs); i++) {
        AUTO(free) char *events = NULL;
        assert_true(asprintf(&events, "%s," REPLAYED, runs[i].events) > 0);
        AUTO(verdict) struct verdict_result v = judged(events, &lenient);

        assert_int_equal(v.verdict, runs[i].verdict);
        assert_int_equal(v.reasons.count, runs[i].reasons);
    }
}

/* A run that was interrupted measures again: what the first attempt measured does not count. */
TEST(latencies_of_an_interrupted_attempt_do_not_count)
{
    AUTO(verdict)
    struct verdict_result v = judged(
        STEP("5", "ok") SLOW
        "," RESUMED "{\"event\":\"replay.latency\",\"endpoint\":\"GET /a\",\"old_p50_us\":2000,"
        "\"new_p50_us\":2000,\"p_value\":0.5}",
        &lenient);

    assert_int_equal(v.verdict, VERDICT_GO);
    assert_int_equal(v.reasons.count, 0);
}

TEST(what_is_accepted_no_longer_decides_but_stays_listed)
{
    char rule[] = "response-changed", subject[] = "GET /a $.pri*", why[] = "new price";
    struct release_accept accept[] = {{rule, subject, why}};
    struct release_judge policy = lenient;
    static const char *const events =
        "{\"event\":\"replay.difference\",\"endpoint\":\"GET /a\",\"where\":\"$.price\","
        "\"kind\":\"changed\",\"count\":1,\"requests\":1}";

    policy.accept = accept;
    policy.accept_count = 1;
    AUTO(verdict) struct verdict_result v = judged(events, &policy);
    assert_int_equal(v.verdict, VERDICT_GO);
    assert_string_equal(worst(&v)->accepted, "new price");

    AUTO(verdict)
    struct verdict_result other =
        judged("{\"event\":\"replay.difference\",\"endpoint\":\"GET /b\",\"where\":\"$.price\","
               "\"kind\":\"changed\",\"count\":1,\"requests\":1}",
               &policy);
    assert_int_equal(other.verdict, VERDICT_NO_GO);
}

TEST(a_reason_is_one_line)
{
    AUTO(verdict)
    struct verdict_result v =
        judged("{\"event\":\"migrate.statement\",\"no_where\":true,\"file\":\"f\",\"sql\":"
               "\"UPDATE articles\\nSET price = 0\"}",
               &lenient);

    assert_null(strchr(worst(&v)->text, '\n'));
    assert_non_null(strstr(worst(&v)->text, "UPDATE articles SET price = 0"));
}

/* The journal holds the policy, so that a report needs nothing else. */
TEST(policy_survives_the_journal)
{
    char rule[] = "drift", subject[] = "*", why[] = "same image";
    struct release_accept accept[] = {{rule, subject, why}};
    struct release_judge policy = lenient, back;
    struct err err = {0};

    policy.accept = accept;
    policy.accept_count = 1;
    AUTO(json)
    json_t *events = json_pack("[{s:s, s:o}]", "event", "policy", "judge", policy_json(&policy));
    assert_non_null(events);
    assert_true(policy_read(events, &back, &err));
    assert_true(back.latency_ratio > 1.49 && back.latency_ratio < 1.51);
    assert_int_equal(back.min_requests, 20);
    assert_string_equal(back.accept[0].reason, "same image");
    policy_done(&back);
}

TESTS(nothing_found_is_go, each_rule_finds_its_accident, every_rule_has_a_case,
      a_release_that_was_never_replayed_is_inconclusive,
      the_last_word_of_a_step_and_a_service_counts, no_go_outweighs_doubt,
      small_or_lucky_latency_changes_do_not_count, what_was_slower_only_once_is_a_warning,
      faults_of_a_second_run_are_found, both_runs_of_the_new_release_are_one_subject,
      what_a_resumed_run_repeats_counts_once, latencies_of_an_interrupted_attempt_do_not_count,
      what_is_accepted_no_longer_decides_but_stays_listed, a_reason_is_one_line,
      policy_survives_the_journal)
