#include "rehearse/html.h"
#include "rehearse/report.h"
#include "rehearse/verdict.h"
#include "rehearse/verdict_rules.h"

/* XML 1.0 knows the same five escapes as html_text() writes. */
static void attribute(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    html_text(out, value);
    buf_putc(out, '"');
}

/* A rule is a test case; its open reasons are failures, a doubt is an error, the rest its output. */
static void reason(struct buf *out, const json_t *r)
{
    const char *severity = event_str(r, "severity");
    bool accepted = json_is_string(json_object_get(r, "accepted"));
    const char *element = "system-out";

    if (!accepted && strcmp(severity, severity_name(SEVERITY_BLOCK)) == 0)
        element = "failure";
    else if (!accepted && strcmp(severity, severity_name(SEVERITY_DOUBT)) == 0)
        element = "error";
    buf_printf(out, "      <%s", element);
    if (strcmp(element, "system-out") != 0)
        attribute(out, "message", event_str(r, "subject"));
    buf_putc(out, '>');
    html_text(out, event_str(r, "text"));
    if (accepted) {
        buf_puts(out, " (accepted: ");
        html_text(out, event_str(r, "accepted"));
        buf_putc(out, ')');
    }
    buf_printf(out, "</%s>\n", element);
}

struct counts {
    unsigned tests, failures, errors;
};

static void count_reasons(const json_t *reasons, const char *rule, struct counts *c)
{
    size_t i;
    const json_t *r;
    bool failed = false, doubted = false;

    json_array_foreach(reasons, i, r)
    {
        if (strcmp(event_str(r, "rule"), rule) != 0 ||
            json_is_string(json_object_get(r, "accepted")))
            continue;
        failed = failed || strcmp(event_str(r, "severity"), severity_name(SEVERITY_BLOCK)) == 0;
        doubted = doubted || strcmp(event_str(r, "severity"), severity_name(SEVERITY_DOUBT)) == 0;
    }
    c->tests++;
    c->failures += failed;
    c->errors += doubted && !failed;
}

static void test_case(struct buf *out, const json_t *reasons, const struct verdict_rule *rule)
{
    size_t i;
    const json_t *r;

    buf_puts(out, "    <testcase classname=\"rehearse\"");
    attribute(out, "name", rule->name);
    buf_puts(out, ">\n");
    json_array_foreach(reasons, i, r)
    {
        if (strcmp(event_str(r, "rule"), rule->name) == 0)
            reason(out, r);
    }
    buf_puts(out, "    </testcase>\n");
}

bool report_junit(const struct report *r, struct buf *out, struct err *err)
{
    const json_t *reasons = json_object_get(r->verdict, "reasons");
    struct counts c = {0};

    if (!r->verdict)
        return err_set(err, ERR_MISSING, "the journal holds no verdict yet");
    for (size_t i = 0; i < judge_rules_count; i++)
        count_reasons(reasons, judge_rules[i].about.name, &c);
    buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
    attribute(out, "name", "rehearsal");
    buf_printf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\">\n", c.tests, c.failures,
               c.errors);
    buf_puts(out, "    <properties><property name=\"verdict\"");
    attribute(out, "value", event_str(r->verdict, "verdict"));
    buf_puts(out, "/><property name=\"journal\"");
    attribute(out, "value", r->journal);
    buf_puts(out, "/></properties>\n");
    for (size_t i = 0; i < judge_rules_count; i++)
        test_case(out, reasons, &judge_rules[i].about);
    buf_puts(out, "  </testsuite>\n</testsuites>\n");
    return buf_ok(out, err);
}
