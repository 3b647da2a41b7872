#include "sim/payment_report.h"

#include <inttypes.h>

static void counters_add(uint64_t *sums, const uint64_t *more, unsigned count)
{
    for (unsigned i = 0; i < count; i++) sums[i] += more[i];
}

void payment_sums_add(struct payment_sums *sums, const struct seed_parts *parts)
{
    const struct model_payments *twin = parts->twin;
    for (unsigned i = 0; i < PAYMENT_KIND_END; i++) sums->payments += twin->kinds[i];
    sums->moves += twin->moves;
    sums->events += twin->event_count;
    sums->hints += parts->courier->hints;
    sums->disputes += parts->courier->disputes;
    sums->attempts += parts->courier->attempts;
    sums->changed += parts->courier->changed;
    sums->lines += parts->courier->lines;
    sums->resent += parts->acquirer->resent;
    sums->resolved += parts->resolved;
    counters_add(sums->outcomes, twin->outcomes, PAYMENT_OUTCOME_COUNT);
    counters_add(sums->kinds, twin->kinds, PAYMENT_KIND_END);
    counters_add(sums->states, twin->states, PAYMENT_STATE_END);
    counters_add(sums->causes, twin->causes, PAYMENT_CAUSE_END);
    counters_add(sums->answered, twin->answered, PSP_ANSWER_END);
}

/* What a range need not meet, and why. Everything else must occur. */
static bool state_excluded(unsigned state)
{
    return state == PAYMENT_STATE_NONE; /* before it is made: no record ever says so */
}

static bool cause_excluded(unsigned cause)
{
    return cause == PAYMENT_CAUSE_ARRIVE; /* there is one lane: --workload lanes has several */
}

static bool answer_excluded(unsigned answer)
{
    return answer == PSP_ANSWER_INVALID; /* orders are made of the wallet's own, and make sense */
}

void payment_tables(const struct payment_sums *sums, const struct told *told, struct buf *text,
                    uint64_t *never_met)
{
    buf_append_format(text,
                      "payments: %" PRIu64 " made, %" PRIu64 " moves, %" PRIu64
                      " events read; %" PRIu64 " commands acknowledged\n",
                      sums->payments, sums->moves, sums->events, told->payments);
    buf_append_format(
        text,
        "at the PSP: %" PRIu64 " orders came again, %" PRIu64 " webhooks posted (%" PRIu64
        " changed on their way first), of orders %" PRIu64 " taken, of disputes %" PRIu64
        "; %" PRIu64 " statement lines booked\n",
        sums->resent, sums->attempts, sums->changed, sums->hints, sums->disputes, sums->lines);
    buf_append_str(text, STR("kinds of payments made:\n"));
    for (unsigned i = 1; i < PAYMENT_KIND_END; i++) {
        report_row(text, payment_kind_name(i), sums->kinds[i], false, never_met);
    }
    buf_append_str(text, STR("states reached:\n"));
    for (unsigned i = 0; i < PAYMENT_STATE_END; i++) {
        report_row(text, payment_state_name(i), sums->states[i], state_excluded(i), never_met);
    }
    report_row(text, "resolved by a person", sums->resolved, false, never_met);
    buf_append_str(text, STR("causes of records:\n"));
    for (unsigned i = 1; i < PAYMENT_CAUSE_END; i++) {
        report_row(text, payment_cause_name(i), sums->causes[i], cause_excluded(i), never_met);
    }
    buf_append_str(text, STR("answers of the PSP, recorded:\n"));
    for (unsigned i = 1; i < PSP_ANSWER_END; i++) {
        report_row(text, psp_answer_name(i), sums->answered[i], answer_excluded(i), never_met);
    }
    buf_append_str(text, STR("outcomes of commands to payments, acknowledged:\n"));
    for (unsigned i = 0; i < PAYMENT_OUTCOME_COUNT; i++) {
        report_row(text, payment_outcome_code(i), told->payment_outcomes[i], false, never_met);
    }
}
