#include "doctor/report.h"

#include <string.h>

#include "doctor/signed_amount.h"
#include "model/asset.h"

const struct report_action report_actions[] = {
    { "24 h", "P1", "on call", 1, "stop what the plan says first; see that it does not grow",
      "tpwallet doctor step %s --policy repair.policy" },
    { "24 h", "P1", "ledger", 8, "plan, rehearse, have two others approve, apply",
      "tpwallet doctor verify-repair %s --policy repair.policy --key KEY" },
    { "24 h", "P1", "ledger", 24, "verify the repair on fresh evidence",
      "tpwallet doctor verify-repair %s --policy repair.policy --key KEY" },
    { "24 h", "P1", "support", 24, "tell the customers concerned, with the amounts of the list",
      "tpwallet doctor report %s --html report.html" },
    { "24 h", "P2", "incident owner", 24, "seal the bundle and hand its digest over",
      "tpwallet doctor verify %s" },
    { "7 d", "P1", "engineering", 96, "deploy the prevention that the cause names",
      "tpwallet doctor incident %s" },
    { "7 d", "P2", "operations", 120,
      "compare the last 90 days with the PSP for the same signature",
      "tpwallet reconcile --statement FILE --mapping FILE --psp NAME" },
    { "7 d", "P2", "incident owner", 168, "have this report signed, and the incident closed",
      "tpwallet doctor incident %s --key KEY --state closed" },
    { "90 d", "P2", "engineering", 1440, "inject a fault of the same class and see it prevented",
      "tpwallet doctor rules check" },
    { "90 d", "P3", "finance", 2160, "review approval limits and who may approve",
      "tpwallet doctor verify %s" },
    { NULL, NULL, NULL, 0, NULL, NULL },
};

const struct report_stage report_roadmap[] = {
    { "0-48 h", "stop the producer, consumer or job that the cause names; compensate by the plan" },
    { "2-7 d", "restore what was suspended; watch the invariants that were violated" },
    { "7-30 d", "traces and keys over the edge concerned; webhooks deduplicated in the effect's "
                "transaction; caches versioned" },
    { "1-3 months", "keys, limits, regions and audits: drills of this class of fault; the rule's "
                    "record of false alarms reviewed" },
    { NULL, NULL },
};

void report_amount(struct buf *out, struct str minor, struct str ccy)
{
    static const struct signed_amount_form form = { .point = '.', .minor = true };
    const struct asset *iso = asset_iso_by_code(ccy);
    struct signed_amount amount;
    char text[SIGNED_AMOUNT_TEXT_SIZE];
    if (iso == NULL || signed_amount_parse(minor, &form, &amount) != STATUS_OK) {
        buf_append_str(out, minor);
        return;
    }
    buf_append_str(out, signed_amount_format(amount, iso->exponent, text));
}

void report_magnitude(struct buf *out, struct str minor, struct str ccy)
{
    if (minor.len > 0 && minor.data[0] == '-')
        minor = (struct str){ minor.data + 1, minor.len - 1 };
    report_amount(out, minor, ccy);
}

struct str report_due(const struct report *report, const struct report_action *action,
                      char out_text[TIME_TEXT_SIZE])
{
    struct wall_time at;
    if (wall_time_parse(json_tree_text(report->diagnosis, "as_of"), &at) != STATUS_OK)
        return STR("");
    int64_t after = (int64_t)action->due_hours * 3600 * NS_PER_S;
    if (at.ns > INT64_MAX - after) return STR("");
    struct str text = wall_time_format((struct wall_time){ at.ns + after }, out_text);
    return (struct str){ text.data, text.len < 16 ? text.len : 16 }; /* to the minute */
}

void report_proof(const struct report *report, const struct report_action *action, struct buf *out)
{
    const char *mark = strstr(action->proof, "%s");
    if (mark == NULL) {
        buf_append_str(out, str_from(action->proof));
        return;
    }
    buf_append_str(out, (struct str){ action->proof, (size_t)(mark - action->proof) });
    for (size_t i = 0; i < report->bundle.len; i++) { /* nothing that would end a code span */
        char c = report->bundle.data[i];
        buf_append_byte(out, c < ' ' || strchr("`|<>&\"", c) != NULL ? '?' : (uint8_t)c);
    }
    buf_append_str(out, str_from(mark + 2));
}
