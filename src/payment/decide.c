/* Each cause has its flow; what they share is how a decision begins and ends. */
#include "payment/decide.h"

#include <string.h>

#include "base/check.h"
#include "payment/flow_answer.h"
#include "payment/flow_books.h"
#include "payment/flow_create.h"
#include "payment/flow_move.h"

enum { REFUSED_STEPS_FROM = 64 }; /* so that ids are not those of the transfers refused */

void payment_decide(const struct payment *before, const struct payment_command *command,
                    const struct payment_facts *facts, struct payment_decision *out_decision)
{
    CHECK(before == NULL || command->cause == PAYMENT_CAUSE_DISPUTE ||
          command->cause == PAYMENT_CAUSE_CREATE ||
          uuid_equal(before->id.value, command->id.value));
    struct flow flow = flow_begin(before, command, facts, out_decision);
    switch ((enum payment_cause)command->cause) {
    case PAYMENT_CAUSE_CREATE: flow_create(&flow); break;
    case PAYMENT_CAUSE_CAPTURE: flow_capture(&flow); break;
    case PAYMENT_CAUSE_CANCEL: flow_cancel(&flow); break;
    case PAYMENT_CAUSE_EXECUTE: flow_execute(&flow); break;
    case PAYMENT_CAUSE_ANSWER: flow_answer(&flow); break;
    case PAYMENT_CAUSE_HINT: flow_hint(&flow); break;
    case PAYMENT_CAUSE_EXPIRE: flow_expire(&flow); break;
    case PAYMENT_CAUSE_RESOLVE: flow_resolve(&flow); break;
    case PAYMENT_CAUSE_DISPUTE: flow_dispute(&flow); break;
    case PAYMENT_CAUSE_SETTLE: flow_settle(&flow); break;
    case PAYMENT_CAUSE_ARRIVE: flow_arrive(&flow); break;
    case PAYMENT_CAUSE_FOLLOW:
    case PAYMENT_CAUSE_END: CHECK(false); /* nobody commands it */
    }
    flow_end(&flow);
}

/* The money is at the PSP, and the account that it is for does not take it. */
static void into_suspense(struct flow *flow, const char *reason)
{
    struct payment *payment = flow->payment;
    bool there = (payment->flags & PAYMENT_FLAG_SUSPENSE) != 0;
    if (!there) {
        (void)flow_direct(flow, flow_account(flow, CHART_CLEARING),
                          flow_account(flow, CHART_SUSPENSE),
                          payment->step_amount); /* found by reference */
    }
    payment->flags |= PAYMENT_FLAG_SUSPENSE;
    flow_manual(flow, reason);
}

static bool brings_money(const struct payment *before, const struct payment_command *command)
{
    if (before == NULL) return false;
    if (command->cause == PAYMENT_CAUSE_RESOLVE) return false;
    if (command->cause != PAYMENT_CAUSE_ANSWER) return false;
    bool came = before->step == PSP_CHARGE || before->step == PSP_CAPTURE;
    bool came_back = before->state == PAYMENT_STATE_SUCCEEDED &&
                     (before->step == PSP_PAY_OUT || before->step == PSP_REFUND);
    return came || came_back;
}

void payment_decide_refused(const struct payment *before, const struct payment_command *command,
                            const struct payment_facts *facts, enum outcome refusal,
                            struct payment_decision *out_decision)
{
    struct flow flow = flow_begin(before, command, facts, out_decision);
    flow.transfer_step = REFUSED_STEPS_FROM;
    bool answers = command->cause == PAYMENT_CAUSE_ANSWER && before != NULL;
    if (answers && payment_under_way(before))
        flow_answer_note(&flow); /* that stands all the same */
    if (before == NULL) {
        flow_refuse(&flow, PAYMENT_OUTCOME_LEDGER);
        flow_reason(&flow, outcome_code(refusal));
    } else if (command->cause == PAYMENT_CAUSE_ARRIVE && payment_in_transit(before)) {
        flow_arrive_refused(&flow, refusal);
        flow_end(&flow);
    } else if (brings_money(before, command)) {
        into_suspense(&flow, outcome_code(refusal));
        flow_end(&flow);
    } else if (command->cause == PAYMENT_CAUSE_ANSWER || command->cause == PAYMENT_CAUSE_CANCEL ||
               command->cause == PAYMENT_CAUSE_EXPIRE) {
        flow_manual(&flow, outcome_code(refusal)); /* what it has done stands; never in silence */
        flow_end(&flow);
    } else {
        flow_refuse(&flow, PAYMENT_OUTCOME_LEDGER);
    }
}

void payment_decide_unbooked(const struct payment *before, const struct payment_command *command,
                             const struct payment_facts *facts, enum outcome refusal,
                             struct payment_decision *out_decision)
{
    bool arrives = command->cause == PAYMENT_CAUSE_ARRIVE;
    CHECK(before != NULL); /* others book nothing then */
    CHECK(arrives || command->cause == PAYMENT_CAUSE_ANSWER);
    struct flow flow = flow_begin(before, command, facts, out_decision);
    if (arrives) {
        flow_refuse(&flow, PAYMENT_OUTCOME_LEDGER); /* another than the ledger has ended its hold */
        return;
    }
    flow_ask_again(&flow, outcome_code(refusal));
    flow_end(&flow);
}

enum payment_call payment_next_call(const struct payment *payment, struct wall_time now,
                                    uint32_t key_window_ms, uint32_t call_ms_max)
{
    bool rests =
        payment->state != PAYMENT_STATE_PENDING && payment->state != PAYMENT_STATE_IN_DOUBT;
    if (payment->step == 0) return PAYMENT_CALL_NONE;
    bool expires = payment->expires_at.ns != 0 && payment->expires_at.ns <= now.ns;
    if (rests && expires && payment_state_is_open(payment->state) &&
        payment->state != PAYMENT_STATE_MANUAL) {
        return PAYMENT_CALL_NONE;
    }
    if (rests || payment->state == PAYMENT_STATE_IN_DOUBT) return PAYMENT_CALL_QUERY;
    if ((payment->flags & PAYMENT_FLAG_WAITING) != 0) return PAYMENT_CALL_QUERY;
    int64_t window_ns = ((int64_t)key_window_ms - (int64_t)call_ms_max) * NS_PER_MS;
    if (now.ns < payment->step_at.ns + window_ns) return PAYMENT_CALL_ORDER;
    return PAYMENT_CALL_QUERY; /* the PSP may have forgotten the key: sending could do it twice */
}
