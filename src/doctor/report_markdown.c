/* The RCA document as Markdown. Texts of the evidence are no markup. */
#include "doctor/report_markdown.h"

#include <string.h>

static void text(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c != '\0' && strchr("\\`*_[]<>|#&!~", c) != NULL) buf_append_byte(out, '\\');
        buf_append_byte(out, (uint8_t)c < ' ' ? ' ' : (uint8_t)c);
    }
}

static void member(struct buf *out, const struct json_node *node, const char *key)
{
    text(out, json_tree_text(node, key));
}

static void heading(struct buf *out, const char *name)
{
    buf_append_format(out, "\n## %s\n\n", name);
}

static void summary(const struct report *report, struct buf *out)
{
    const struct json_node *diagnosis = report->diagnosis;
    buf_append_str(out, STR("# RCA of incident "));
    member(out, diagnosis, "incident");
    buf_append_str(out, STR(": "));
    member(out, report->incident, "title");
    buf_append_str(out, STR("\n\n| | |\n|---|---|\n| verdict | "));
    member(out, diagnosis, "verdict");
    buf_append_str(out, STR(" |\n| state | "));
    member(out, report->incident, "state");
    buf_append_str(out, STR(" |\n| owner | "));
    member(out, report->incident, "owner");
    buf_append_str(out, STR(" |\n| still growing | "));
    member(out, diagnosis, "growing");
    buf_append_str(out, STR(" |\n| as of | "));
    member(out, diagnosis, "as_of");
    buf_append_str(out, STR(" |\n| rules | "));
    member(out, diagnosis, "rules_sha256");
    buf_append_str(out, STR(" |\n"));
}

static void money(const struct report *report, struct buf *out)
{
    heading(out, "Impact");
    buf_append_str(out, STR("| currency | too much | accounts | too little | accounts | "
                            "not explained |\n|---|---:|---:|---:|---:|---:|\n"));
    for (const struct json_node *row = json_tree_items(report->diagnosis, "money"); row != NULL;
         row = row->next) {
        struct str ccy = json_tree_text(row, "ccy");
        buf_append_str(out, STR("| "));
        text(out, ccy);
        buf_append_str(out, STR(" | "));
        report_amount(out, json_tree_text(row, "over"), ccy);
        buf_append_str(out, STR(" | "));
        member(out, row, "accounts_over");
        buf_append_str(out, STR(" | "));
        report_magnitude(out, json_tree_text(row, "under"), ccy);
        buf_append_str(out, STR(" | "));
        member(out, row, "accounts_under");
        buf_append_str(out, STR(" | "));
        report_amount(out, json_tree_text(row, "unexplained"), ccy);
        buf_append_str(out, STR(" |\n"));
    }
}

static void causes(const struct report *report, struct buf *out)
{
    static const char *const parts[][2] = { { "held_back", "no surer, because" },
                                            { "why", "why" },
                                            { "start", "began" },
                                            { "last", "newest case" },
                                            { "stop", "stop" },
                                            { "repair", "repair" },
                                            { "prevention", "prevention" },
                                            { "limits", "what it cannot tell" } };
    heading(out, "Causes");
    for (const struct json_node *cause = json_tree_items(report->diagnosis, "causes");
         cause != NULL; cause = cause->next) {
        buf_append_str(out, STR("- **"));
        member(out, cause, "fault");
        buf_append_str(out, STR("** "));
        member(out, cause, "title");
        buf_append_str(out, STR(" ("));
        member(out, cause, "label");
        buf_append_str(out, STR(")\n"));
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            if (json_tree_text(cause, parts[i][0]).len == 0) continue;
            buf_append_format(out, "  - %s: ", parts[i][1]);
            member(out, cause, parts[i][0]);
            buf_append_byte(out, '\n');
        }
    }
    heading(out, "What it is not");
    for (const struct json_node *other = json_tree_items(report->diagnosis, "considered");
         other != NULL; other = other->next) {
        if (!str_equal(json_tree_text(other, "rejected"), STR("true"))) continue;
        buf_append_str(out, STR("- "));
        member(out, other, "fault");
        buf_append_str(out, STR(" "));
        member(out, other, "name");
        buf_append_str(out, STR(": "));
        member(out, other, "by");
        buf_append_str(out, STR(" "));
        member(out, json_tree_member(other, "record"), "record");
        buf_append_byte(out, '\n');
    }
}

static void timeline(const struct report *report, struct buf *out)
{
    heading(out, "Timeline");
    buf_append_str(out, STR("| at | who | what |\n|---|---|---|\n"));
    for (const struct json_node *note = json_tree_items(report->incident, "timeline"); note != NULL;
         note = note->next) {
        buf_append_str(out, STR("| "));
        member(out, note, "at");
        buf_append_str(out, STR(" | "));
        member(out, note, "who");
        buf_append_str(out, STR(" | "));
        member(out, note, "text");
        buf_append_str(out, STR(" |\n"));
    }
}

static void repair(const struct report *report, struct buf *out)
{
    heading(out, "Repair");
    if (report->plan == NULL) {
        buf_append_str(out, STR("There is no plan yet.\n"));
        return;
    }
    uint32_t shown = 0;
    for (const struct json_node *step = json_tree_items(report->plan, "steps"); step != NULL;
         step = step->next) {
        if (++shown > REPORT_ROWS_MAX) continue;
        buf_append_format(out, "%u. ", shown);
        member(out, step, "kind");
        buf_append_str(out, STR(": "));
        member(out, step, "what");
        if (json_tree_text(step, "amount_minor").len > 0) {
            struct str ccy = json_tree_text(step, "ccy");
            buf_append_str(out, STR(", "));
            text(out, ccy);
            buf_append_byte(out, ' ');
            report_amount(out, json_tree_text(step, "amount_minor"), ccy);
            buf_append_str(out, STR(", taking back "));
            member(out, step, "target");
        }
        buf_append_byte(out, '\n');
    }
    if (shown > REPORT_ROWS_MAX)
        buf_append_format(out, "\nand %u more steps, in plan/plan.json.\n",
                          shown - REPORT_ROWS_MAX);
    buf_append_format(out, "\nRehearsed: %s. Applied: %s.\n", report->rehearsal ? "yes" : "no",
                      report->applied ? "yes" : "no");
}

static void actions(const struct report *report, struct buf *out)
{
    heading(out, "Actions");
    buf_append_str(out, STR("| within | priority | owner | due | what | proven by |\n"
                            "|---|---|---|---|---|---|\n"));
    for (const struct report_action *action = report_actions; action->horizon != NULL; action++) {
        char due[TIME_TEXT_SIZE];
        struct str when = report_due(report, action, due);
        buf_append_format(out, "| %s | %s | %s | %.*s | %s | `", action->horizon, action->priority,
                          action->owner, STR_ARG(when), action->what);
        report_proof(report, action, out);
        buf_append_str(out, STR("` |\n"));
    }
    heading(out, "Roadmap");
    for (const struct report_stage *stage = report_roadmap; stage->span != NULL; stage++)
        buf_append_format(out, "- **%s**: %s\n", stage->span, stage->what);
}

static void unknowns(const struct report *report, struct buf *out)
{
    heading(out, "What is not known");
    buf_append_str(out, STR("- violations that no cause explains: "));
    member(out, report->diagnosis, "unexplained_count");
    buf_append_str(out,
                   STR("\n- kinds of evidence that would decide something and are not covered:"));
    for (const struct json_node *kind = json_tree_items(report->diagnosis, "not_seen");
         kind != NULL; kind = kind->next) {
        buf_append_byte(out, ' ');
        text(out, kind->text);
    }
    buf_append_str(out, STR("\n- the cheapest next evidence: "));
    member(out, report->diagnosis, "next_evidence");
    buf_append_byte(out, '\n');
}

void report_markdown(const struct report *report, struct buf *out)
{
    summary(report, out);
    money(report, out);
    causes(report, out);
    timeline(report, out);
    repair(report, out);
    actions(report, out);
    unknowns(report, out);
}
