/* payment_report.h - sums over seeds of payments, and their tables. */
#ifndef SIM_PAYMENT_REPORT_H
#define SIM_PAYMENT_REPORT_H

#include "sim/report.h"

struct payment_sums {
    uint64_t payments; /* that were made */
    uint64_t moves;
    uint64_t events;
    uint64_t hints;
    uint64_t disputes;
    uint64_t attempts; /* of webhooks */
    uint64_t changed;
    uint64_t lines;
    uint64_t resent;
    uint64_t resolved;
    uint64_t outcomes[PAYMENT_OUTCOME_COUNT]; /* journaled */
    uint64_t kinds[PAYMENT_KIND_END];
    uint64_t states[PAYMENT_STATE_END];
    uint64_t causes[PAYMENT_CAUSE_END];
    uint64_t answered[PSP_ANSWER_END];
};

void payment_sums_add(struct payment_sums *sums, const struct seed_parts *parts);
void payment_tables(const struct payment_sums *sums, const struct told *told, struct buf *text,
                    uint64_t *never_met);

#endif
