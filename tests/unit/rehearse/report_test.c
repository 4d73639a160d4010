#include "tests/test.h"

#include "lib/base/json.h"
#include "rehearse/report.h"

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
    struct report r = {.events = events, .journal = "00ff"};
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
    struct report r = {.events = events, .journal = "00"};
    AUTO(buf) struct buf out = {0};
    struct err err = {0};

    assert_true(report_html(&r, &out, &err));
    assert_non_null(strstr(buf_str(&out), "no verdict yet"));
    assert_false(report_junit(&r, &out, &err));
    assert_int_equal(err.code, ERR_MISSING);
}

TESTS(html_escapes_everything_from_outside, html_loads_nothing, junit_counts_the_failed_rule,
      an_empty_journal_still_makes_a_page)
