#include "tests/test.h"

#include "lib/base/json.h"
#include "rehearse/report.h"
#include "rehearse/verdict.h"

static const char hostile[] = "<script>alert('x')</script>\"&\x01";

static json_t *sample(void)
{
    return json_pack("[{s:s, s:s, s:s, s:s, s:s},"
                     " {s:s, s:i, s:s, s:f, s:s},"
                     " {s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:{s:s, s:s, s:s}, s:s},"
                     " {s:s, s:s, s:i, s:i, s:i, s:i},"
                     " {s:s, s:s, s:[{s:s, s:s, s:s, s:s}]}]",
                     "event", "run.start", "release", hostile, "environment", "shop", "by",
                     "me@here", "at", "2026-01-01T00:00:00Z", "event", "step.done", "step", 1,
                     "title", "check", "took_ms", 12.5, "status", "ok", "event",
                     "replay.difference", "endpoint", hostile, "where", "$.x", "count", 3,
                     "requests", 4, "first", 1, "last", 9, "example", "request", "GET /", "old",
                     hostile, "new", "y", "kind", "changed", "event", "replay.latency", "endpoint",
                     "GET /", "old_p50_us", 1000, "new_p50_us", 2000, "old_p95_us", 3000,
                     "new_p95_us", 90000, "event", "verdict", "verdict", "NO-GO", "reasons", "rule",
                     "response-changed", "severity", "no-go", "subject", "GET /", "text", hostile);
}

static char *rendered(bool (*render)(const struct report *, struct buf *, struct err *),
                      const json_t *events)
{
    AUTO(json) json_t *counting = verdict_events(events);
    struct report r = {.events = events, .counting = counting, .journal = "00ff"};
    struct buf out = {0};
    struct err err = {0};

    r.verdict = json_array_get(events, json_array_size(events) - 1);
    assert_true(render(&r, &out, &err));
    char *text = buf_take(&out);
    assert_non_null(text);
    return text;
}

TEST(html_escapes_everything_from_outside)
{
    AUTO(json) json_t *events = sample();
    assert_non_null(events);
    AUTO(free) char *html = rendered(report_html, events);

    assert_null(strstr(html, "<script"));
    assert_null(strchr(html, '\x01'));
    assert_non_null(strstr(html, "&lt;script&gt;alert(&#39;x&#39;)"));
    assert_non_null(strstr(html, "NO-GO"));
    assert_non_null(strstr(html, "<svg"));
}

/* Self-contained: nothing is loaded from anywhere. */
TEST(html_loads_nothing)
{
    AUTO(json) json_t *events = sample();
    AUTO(free) char *html = rendered(report_html, events);

    assert_null(strstr(html, "src="));
    assert_null(strstr(html, "http://"));
    assert_null(strstr(html, "https://"));
    assert_null(strstr(html, "@import"));
}

TEST(junit_counts_the_failed_rule)
{
    AUTO(json) json_t *events = sample();
    AUTO(free) char *xml = rendered(report_junit, events);

    assert_non_null(strstr(xml, "failures=\"1\" errors=\"0\""));
    assert_non_null(strstr(xml, "<failure message=\"GET /\">"));
    assert_null(strstr(xml, "<script"));
}

TEST(an_empty_journal_still_makes_a_page)
{
    AUTO(json) json_t *events = json_array();
    struct report r = {.events = events, .counting = events, .journal = "00"};
    AUTO(buf) struct buf out = {0};
    struct err err = {0};

    assert_true(report_html(&r, &out, &err));
    assert_non_null(strstr(buf_str(&out), "no verdict yet"));
    assert_false(report_junit(&r, &out, &err));
    assert_int_equal(err.code, ERR_MISSING);
}

/* Step 5 is the checkpoint that the second attempt goes on from. */
#define STEP(number, title)                                                 \
    "{\"event\":\"step.done\",\"step\":" number ",\"title\":\"" title "\"," \
    "\"took_ms\":2,\"status\":\"ok\"},"
#define INPUT(name, digest) \
    "{\"event\":\"input\",\"kind\":\"tape\",\"name\":\"" name "\",\"digest\":\"" digest "\"},"
#define FINDINGS(name)                                                                            \
    "{\"event\":\"migrate.change\",\"table\":\"" name "\",\"rows_before\":1},"                    \
    "{\"event\":\"migrate.statement\",\"sql\":\"" name "\"},"                                     \
    "{\"event\":\"replay.difference\",\"endpoint\":\"" name "\",\"where\":\"$\"},"                \
    "{\"event\":\"replay.latency\",\"endpoint\":\"" name "\",\"old_p50_us\":1,\"new_p50_us\":1}," \
    "{\"event\":\"replay.endpoint\",\"endpoint\":\"" name "\"},"                                  \
    "{\"event\":\"replay.summary\",\"label\":\"" name "\"},"                                      \
    "{\"event\":\"replay.noise\",\"endpoint\":\"" name "\"},"                                     \
    "{\"event\":\"smoke\",\"url\":\"" name "\",\"ok\":false},"                                    \
    "{\"event\":\"box.service\",\"service\":\"" name "\",\"state\":\"died\"},"

/* The verdict counts what lasts, and so does what stands below it; that there was more is told. */
TEST(html_lists_what_counts)
{
    AUTO(json)
    json_t *events = json_loads(
        "[{\"event\":\"run.start\",\"release\":\"2\",\"after_step\":0}," INPUT("day.tape", "d-old")
            STEP("5", "baseline") STEP("7", "ghost step") FINDINGS(
                "ghost") "{\"event\":\"verdict\",\"verdict\":\"NO-GO\",\"reasons\":[]},"
                         "{\"event\":\"run.resume\",\"after_step\":5}," INPUT("day.tape", "d-new")
                             STEP("7", "config") FINDINGS(
                                 "real") "{\"event\":\"verdict\",\"verdict\":\"GO\",\"reasons\":[]}]",
        0, NULL);
    assert_non_null(events);
    AUTO(free) char *html = rendered(report_html, events);
    unsigned ghosts = 0, inputs = 0;

    for (const char *at = html; (at = strstr(at, "ghost")); at++)
        ghosts++;
    for (const char *at = html; (at = strstr(at, "day.tape")); at++)
        inputs++;
    assert_int_equal(ghosts, 1);
    assert_int_equal(inputs, 1);
    assert_non_null(strstr(html, "d-new"));
    assert_non_null(strstr(html, "<g class=\"gone\">"));
    assert_non_null(strstr(html, "ghost step"));
    assert_non_null(strstr(html, "Pale: steps of an attempt that was interrupted"));
    assert_non_null(strstr(html, "attempts<br><strong>2</strong>"));
    assert_non_null(strstr(html, "<h1>GO</h1>"));
}

TEST(html_of_one_attempt_speaks_of_none_other)
{
    AUTO(json) json_t *events = sample();
    AUTO(free) char *html = rendered(report_html, events);

    assert_null(strstr(html, "<g class=\"gone\">"));
    assert_null(strstr(html, "Pale:"));
    assert_null(strstr(html, "attempts<br>"));
}

TESTS(html_lists_what_counts, html_of_one_attempt_speaks_of_none_other,
      html_escapes_everything_from_outside, html_loads_nothing, junit_counts_the_failed_rule,
      an_empty_journal_still_makes_a_page)
