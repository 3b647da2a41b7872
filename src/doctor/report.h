/* report.h - an incident's report out of its JSON: what both forms of it, HTML and Markdown, share. */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include "base/buf.h"
#include "base/time.h"
#include "doctor/json_tree.h"
#include "doctor/report_words.h"

/* The documents of a bundle; NULL: there is none (yet). All but the diagnosis may be missing. */
struct report {
    const struct json_node *diagnosis;
    const struct json_node *incident;
    const struct json_node *plan;
    const struct json_node *rehearsal;
    const struct json_node *applied;
    const struct json_node *after; /* the diagnosis of evidence from after the repair */
    struct str bundle;             /* its folder, as it was named: for commands */
    enum report_language language; /* of the HTML; what rules and people say stays as it is */
};

enum { REPORT_ROWS_MAX = 500 }; /* of a list; more are counted */

/* What is to be done, by when, by whom, and the command that proves it done. */
struct report_action {
    const char *horizon; /* "24 h", "7 d", "90 d" */
    const char *priority;
    const char *owner;
    uint32_t due_hours; /* after the diagnosis */
    const char *what;
    const char *proof; /* "%s" is the bundle; at most one */
};
/* In order; ends with a NULL horizon. */
extern const struct report_action report_actions[];

/* 0-48 h, 2-7 d, 7-30 d, 1-3 months; ends with a NULL span. */
struct report_stage {
    const char *span;
    const char *what;
};
extern const struct report_stage report_roadmap[];

/* Major units with the currency's decimals: "12.50"; minor units of what is no ISO currency. */
void report_amount(struct buf *out, struct str minor, struct str ccy);
/* The same without its sign: where a word says already which way it is. */
void report_magnitude(struct buf *out, struct str minor, struct str ccy);
/* When an action is due: RFC 3339, to the minute; "" without a time of the diagnosis. */
struct str report_due(const struct report *report, const struct report_action *action,
                      char out_text[TIME_TEXT_SIZE]);
/* The proof with the bundle's name in it. */
void report_proof(const struct report *report, const struct report_action *action, struct buf *out);

#endif
