/* What callers, people and time do to a payment that was made. */
#include "payment/flow_move.h"

#include <string.h>

#include "base/check.h"
#include "payment/flow_answer.h"

static bool reserved(const struct payment *payment)
{
    return payment->state == PAYMENT_STATE_AUTHORISED ||
           payment->state == PAYMENT_STATE_PART_CAPTURED;
}

static bool has_lapsed(const struct flow *flow)
{
    int64_t expires = flow->before->expires_at.ns;
    return expires != 0 && expires <= flow->facts->stamp.ns;
}

static bool from_card(const struct payment *payment)
{
    return payment->method[0] != '\0';
}

/* Of a command to a payment that must be reserved; OK when it may go on. */
static enum payment_outcome reserved_check(const struct flow *flow)
{
    if (flow->before == NULL) return PAYMENT_OUTCOME_NOT_FOUND;
    if (flow->before->kind != PAYMENT_MERCHANT) return PAYMENT_OUTCOME_WRONG_KIND;
    if (flow->before->state == PAYMENT_STATE_EXPIRED) return PAYMENT_OUTCOME_EXPIRED;
    if (payment_under_way(flow->before)) return PAYMENT_OUTCOME_STEP_UNDER_WAY;
    if (!reserved(flow->before)) return PAYMENT_OUTCOME_STATE;
    return PAYMENT_OUTCOME_OK;
}

static void captured_add(struct payment *payment, struct money amount)
{
    bool fits = money_add(payment->captured, amount, &payment->captured);
    CHECK(fits && !money_less(payment->amount, payment->captured)); /* at most what was left */
}

/* So much more was taken; the rest, if any, stays reserved. */
static void captured(struct flow *flow, struct money amount, bool last)
{
    struct payment *payment = flow->payment;
    captured_add(payment, amount);
    flow_state(flow, last ? PAYMENT_STATE_CAPTURED : PAYMENT_STATE_PART_CAPTURED);
    if (!last) payment->next_at = payment->expires_at;
}

static void captured_here(struct flow *flow, struct money amount, bool last)
{
    struct payment *payment = flow->payment;
    payment->posted = flow_post(flow, payment->hold, amount, !last);
    if (last) payment->hold = (struct transfer_id){ 0 };
    captured(flow, amount, last);
}

/* What is not captured, but for what is on its way. */
static struct money reserved_amount(const struct payment *payment)
{
    struct money left;
    bool fits = money_subtract(payment->amount, payment->captured, &left);
    CHECK(fits);
    return left;
}

/*
 * A hold cannot become a departure in part: in one unit it is released, the part leaves, and the rest
 * is reserved anew, of the last part too: until that is there, all of it may be needed again.
 */
static void capture_departs(struct flow *flow, struct money amount, bool last)
{
    struct payment *payment = flow->payment;
    struct money rest;
    bool fits = money_subtract(reserved_amount(payment), amount, &rest);
    CHECK(fits); /* at most what was left */
    payment->resume = payment->state;
    payment->step_amount = amount;
    payment->flags &= (uint8_t)~PAYMENT_FLAG_FINAL;
    if (last) payment->flags |= PAYMENT_FLAG_FINAL;
    flow_void(flow, payment->hold);
    payment->hold = (struct transfer_id){ 0 };
    flow_depart(flow, payment->wallet, payment->counter, amount);
    if (!money_is_zero(rest)) payment->hold = flow_reserve(flow, rest);
}

static void captured_from_wallet(struct flow *flow, struct money amount, bool last)
{
    struct money left = reserved_amount(flow->payment);
    last = last || money_equal(amount, left);
    if (flow_is_away(flow, flow->payment->counter)) {
        capture_departs(flow, amount, last);
    } else {
        captured_here(flow, amount, last);
    }
}

void flow_capture(struct flow *flow)
{
    enum payment_outcome outcome = reserved_check(flow);
    if (outcome == PAYMENT_OUTCOME_OK && has_lapsed(flow)) outcome = PAYMENT_OUTCOME_EXPIRED;
    if (outcome != PAYMENT_OUTCOME_OK) {
        flow_refuse(flow, outcome);
        return;
    }
    struct payment *payment = flow->payment;
    uint32_t named = flow->command->draft.asset; /* what the amount was counted in */
    if (named != 0 && named != payment->asset) {
        flow_refuse(flow, PAYMENT_OUTCOME_ASSET_MISMATCH);
        return;
    }
    struct money left = reserved_amount(payment);
    struct money amount = flow->command->amount;
    bool all = money_equal(amount, MONEY_MAX);
    if (all) amount = left;
    if (money_less(left, amount) || money_is_zero(amount)) {
        flow_refuse(flow, PAYMENT_OUTCOME_AMOUNT_OVER_REMAINDER);
        return;
    }
    bool last = all || flow->command->last;
    if (!from_card(payment)) {
        captured_from_wallet(flow, amount, last);
        return;
    }
    payment->flags &= (uint8_t)~PAYMENT_FLAG_FINAL;
    if (last || money_equal(amount, left)) payment->flags |= PAYMENT_FLAG_FINAL;
    flow_step(flow, PSP_CAPTURE, amount);
}

/* What is still reserved is given back; what was captured stays. */
static void release(struct flow *flow, bool lapsed)
{
    struct payment *payment = flow->payment;
    struct money left = reserved_amount(payment);
    payment->flags &= (uint8_t)~PAYMENT_FLAG_LAPSED;
    if (lapsed) payment->flags |= PAYMENT_FLAG_LAPSED;
    if (from_card(payment)) {
        flow_step(flow, PSP_CANCEL, left);
        return;
    }
    flow_void(flow, payment->hold);
    payment->hold = (struct transfer_id){ 0 };
    bool none = money_is_zero(payment->captured);
    flow_state(flow, !none    ? PAYMENT_STATE_CAPTURED
                     : lapsed ? PAYMENT_STATE_EXPIRED
                              : PAYMENT_STATE_CANCELLED);
}

void flow_cancel(struct flow *flow)
{
    if (flow->before != NULL && flow->before->kind == PAYMENT_EXCHANGE) {
        bool quoted = flow->before->state == PAYMENT_STATE_QUOTED;
        if (quoted) flow_state(flow, PAYMENT_STATE_CANCELLED);
        if (!quoted) flow_refuse(flow, PAYMENT_OUTCOME_STATE);
        return;
    }
    enum payment_outcome outcome = reserved_check(flow);
    if (outcome != PAYMENT_OUTCOME_OK) {
        flow_refuse(flow, outcome);
        return;
    }
    release(flow, false);
}

void flow_expire(struct flow *flow)
{
    if (flow->before == NULL) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOT_FOUND);
        return;
    }
    bool quoted = flow->before->state == PAYMENT_STATE_QUOTED;
    if ((!quoted && !reserved(flow->before)) || !has_lapsed(flow)) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE); /* it has moved since, or its time is not over */
        return;
    }
    if (quoted) {
        flow_state(flow, PAYMENT_STATE_EXPIRED);
        return;
    }
    release(flow, true);
}

static enum payment_outcome execute_check(const struct flow *flow)
{
    const struct payment *before = flow->before;
    if (before == NULL) return PAYMENT_OUTCOME_NOT_FOUND;
    if (before->kind != PAYMENT_EXCHANGE) return PAYMENT_OUTCOME_WRONG_KIND;
    bool quoted = before->state == PAYMENT_STATE_QUOTED;
    if (before->state == PAYMENT_STATE_EXPIRED || (quoted && has_lapsed(flow))) {
        return PAYMENT_OUTCOME_EXPIRED;
    }
    return quoted ? PAYMENT_OUTCOME_OK : PAYMENT_OUTCOME_STATE;
}

void flow_execute(struct flow *flow)
{
    enum payment_outcome outcome = execute_check(flow);
    if (outcome != PAYMENT_OUTCOME_OK) {
        flow_refuse(flow, outcome);
        return;
    }
    struct payment *payment = flow->payment;
    struct money exchanged;
    bool fits = money_subtract(payment->amount, payment->residue, &exchanged);
    CHECK(fits && !money_is_zero(exchanged));
    payment->posted =
        flow_direct(flow, payment->wallet, flow_account(flow, CHART_POSITION), exchanged);
    if (!money_is_zero(payment->residue)) {
        (void)flow_direct(flow, payment->wallet, flow_account(flow, CHART_ROUNDING),
                          payment->residue); /* its id is not needed: it is found by reference */
    }
    struct account_id position =
        chart_account_id(flow->facts->part, payment->counter_asset, CHART_POSITION, "");
    (void)flow_direct(flow, position, payment->counter, payment->counter_amount); /* the same */
    flow->out->transfers[flow->out->transfer_count - 1].asset = payment->counter_asset;
    payment->captured = payment->amount;
    flow_state(flow, PAYMENT_STATE_SUCCEEDED);
}

/* Whether an event says anything that is not known: 'done' of what is done says nothing. */
static bool is_news(const struct payment *payment, uint8_t told)
{
    if (told == PSP_ANSWER_PENDING) return payment->state == PAYMENT_STATE_IN_DOUBT;
    if (told == PSP_ANSWER_DONE) {
        return payment->state != PAYMENT_STATE_SUCCEEDED &&
               payment->state != PAYMENT_STATE_AUTHORISED &&
               payment->state != PAYMENT_STATE_PART_CAPTURED &&
               payment->state != PAYMENT_STATE_CAPTURED;
    }
    return payment->state != PAYMENT_STATE_FAILED && payment->state != PAYMENT_STATE_RETURNED &&
           payment->state != PAYMENT_STATE_REVERSED;
}

/* A PSP may speak of what it carries out, and of nothing else; the operator names none. */
static bool hinted_by_its_psp(const struct flow *flow)
{
    const char *psp = flow->command->draft.psp;
    return psp[0] == '\0' || strcmp(psp, flow->before->psp) == 0;
}

/* A hint changes nothing but when the PSP is asked: state comes from the PSP's own object. */
void flow_hint(struct flow *flow)
{
    if (flow->before == NULL || !hinted_by_its_psp(flow)) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOT_FOUND);
        return;
    }
    if (flow->before->step == 0) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE); /* nothing of it is at a PSP */
        return;
    }
    bool of_step = flow->command->step_number == flow->before->step_number;
    uint8_t told = of_step ? flow->command->reply.answer : 0; /* an older step is no news of this */
    if (told != 0 && !is_news(flow->before, told)) return; /* the mark is all that is left to do */
    /* The PSP speaks of it, so it has it: it is asked, and not sent to once more meanwhile. */
    if (told != 0 && flow->before->state == PAYMENT_STATE_PENDING) {
        flow->payment->flags |= PAYMENT_FLAG_WAITING;
    }
    flow->payment->next_at = flow->facts->stamp;
}

/* It was not, or is no more: the money leaves suspense again, for the PSP to have. */
static void step_undone(struct flow *flow)
{
    flow_leave_suspense(flow);
    flow->payment->flags |= PAYMENT_FLAG_UNDONE;
    flow_step_failed(flow, flow->command->reason);
}

/* Nothing of it is at a PSP, and the ledger did not release its hold: a person lets go of it. */
static void hold_gone_resolve(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if (flow->command->state == PAYMENT_STATE_SUCCEEDED) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE); /* the ledger knows what became of it */
        return;
    }
    payment->hold = (struct transfer_id){ 0 };
    bool none = money_is_zero(payment->captured);
    flow_state(flow, none ? PAYMENT_STATE_CANCELLED : PAYMENT_STATE_CAPTURED);
    flow_reason(flow, flow->command->reason);
}

void flow_resolve(struct flow *flow)
{
    if (flow->before == NULL) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOT_FOUND);
        return;
    }
    if (flow->before->state != PAYMENT_STATE_MANUAL) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE);
        return;
    }
    const struct payment *before = flow->before;
    if (before->step == 0) {
        hold_gone_resolve(flow);
        return;
    }
    bool succeeded = flow->command->state == PAYMENT_STATE_SUCCEEDED;
    bool suspense = (before->flags & PAYMENT_FLAG_SUSPENSE) != 0;
    bool outward = before->step == PSP_PAY_OUT || before->step == PSP_REFUND;
    if (suspense && outward && !succeeded) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE); /* it did come back */
        return;
    }
    if (suspense && outward) {
        flow_came_back(flow, flow->command->reason);
    } else if (succeeded) {
        flow->payment->flags &= (uint8_t)~PAYMENT_FLAG_UNDONE;
        flow_step_done(flow);
    } else if (before->step == PSP_CANCEL) {
        flow_state(flow, (enum payment_state)before->resume); /* it is still reserved */
        flow->payment->next_at = before->expires_at;
    } else {
        step_undone(flow);
    }
    flow_reason(flow, flow->command->reason);
}

/* The rest of what is reserved, if there is any. */
static void hold_release(struct flow *flow)
{
    if (uuid_is_nil(flow->payment->hold.value)) return;
    flow_void(flow, flow->payment->hold);
    flow->payment->hold = (struct transfer_id){ 0 };
}

/* A capture that the other lane has refused: what it took is reserved again, with the rest. */
static void capture_came_back(struct flow *flow, enum outcome arrival)
{
    struct payment *payment = flow->payment;
    hold_release(flow);
    payment->hold = flow_reserve(flow, reserved_amount(payment));
    flow_state(flow, (enum payment_state)payment->resume);
    flow_reason(flow, outcome_code(arrival));
    payment->next_at = payment->expires_at;
}

/* All of a payment, or of a refund: it is there, or has come to nothing. */
static void whole_arrives(struct flow *flow, enum outcome arrival)
{
    struct payment *payment = flow->payment;
    bool there = arrival == OUTCOME_OK;
    if (there) payment->captured = payment->amount;
    flow_state(flow, there ? PAYMENT_STATE_SUCCEEDED : PAYMENT_STATE_FAILED);
    if (!there) flow_reason(flow, outcome_code(arrival));
    if (payment->kind != PAYMENT_REFUND) return;
    flow_refund_ended(flow);
    if (there) flow_refund_given(flow);
}

void flow_arrive(struct flow *flow)
{
    if (flow->before == NULL) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOT_FOUND);
        return;
    }
    struct payment *payment = flow->payment;
    if (!payment_waits_for(payment, flow->command->departure)) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE);
        return;
    }
    enum outcome arrival = flow->command->arrival;
    flow_departure_end(flow, arrival);
    bool merchant = payment->kind == PAYMENT_MERCHANT;
    bool last = (payment->flags & PAYMENT_FLAG_FINAL) != 0;
    if (merchant && arrival == OUTCOME_OK) {
        if (last) hold_release(flow);
        captured(flow, payment->step_amount, last);
    } else if (merchant) {
        capture_came_back(flow, arrival);
    } else {
        whole_arrives(flow, arrival);
    }
}

static bool is_hold_gone(enum outcome refusal)
{
    return refusal == OUTCOME_HOLD_ALREADY_POSTED || refusal == OUTCOME_HOLD_ALREADY_VOIDED ||
           refusal == OUTCOME_HOLD_EXPIRED;
}

void flow_arrive_refused(struct flow *flow, enum outcome refusal)
{
    struct payment *payment = flow->payment;
    enum outcome arrival = flow->command->arrival;
    bool gone = is_hold_gone(refusal);
    if (payment->kind != PAYMENT_MERCHANT || (arrival == OUTCOME_OK && !gone)) {
        flow_refuse(flow, PAYMENT_OUTCOME_LEDGER); /* nothing of it looks at accounts */
        return;
    }
    flow_departure_end(flow, arrival);
    if (gone) {
        if (arrival == OUTCOME_OK) captured_add(payment, payment->step_amount);
        flow_manual(flow, outcome_code(refusal));
        return;
    }
    hold_release(flow);
    bool none = money_is_zero(payment->captured);
    flow_state(flow, none ? PAYMENT_STATE_CANCELLED : PAYMENT_STATE_CAPTURED);
    flow_reason(flow, outcome_code(refusal));
}
