/*
 * What a PSP says, or does not say, about a step. Only an answer that can be understood ends a
 * step; whatever may have been done stays in doubt until the PSP tells.
 */
#include "payment/flow_answer.h"

#include <string.h>

#include "base/check.h"

enum {
    BACKOFF_MS_FIRST = 250,
    BACKOFF_DOUBLINGS_MAX = 13, /* 250 ms to 34 minutes */
    ASKED_MS_MAX = 3600000,     /* a PSP that asks for more patience does not get it */
};

/* Longer every time it waits, and not the same for all payments that began at one moment. */
static struct wall_time later(const struct flow *flow)
{
    struct payment *payment = flow->payment;
    int64_t wait_ms = (int64_t)BACKOFF_MS_FIRST << payment->doublings;
    if (payment->doublings < BACKOFF_DOUBLINGS_MAX) payment->doublings++;
    wait_ms += wait_ms / 4 * (int64_t)(payment->id.value.lo % 256) / 256;
    int64_t asked_ms = flow->command->reply.retry_after_ms;
    if (asked_ms > ASKED_MS_MAX) asked_ms = ASKED_MS_MAX;
    if (wait_ms < asked_ms) wait_ms = asked_ms;
    return (struct wall_time){ flow->facts->stamp.ns + wait_ms * NS_PER_MS };
}

static bool amounts_agree(const struct flow *flow)
{
    const struct psp_reply *reply = &flow->command->reply;
    if (flow->payment->step == PSP_CANCEL) return true; /* it names what was released */
    return reply->asset == flow->payment->asset &&
           money_equal(reply->amount, flow->payment->step_amount);
}

/* ---- A step has ended ---- */

/* It was declined, and its hold released, before the PSP said otherwise. */
static bool hold_was_released(const struct payment *payment)
{
    return uuid_is_nil(payment->hold.value);
}

static void hold_posted(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if (hold_was_released(payment)) {
        payment->posted =
            flow_direct(flow, payment->wallet, flow_account(flow, CHART_CLEARING), payment->amount);
    } else {
        payment->posted = flow_post(flow, payment->hold, payment->amount, false);
    }
    payment->hold = (struct transfer_id){ 0 };
    payment->captured = payment->amount;
    flow_state(flow, PAYMENT_STATE_SUCCEEDED);
}

/* Through clearing, so that taking back what is booked next comes out there as well. */
void flow_leave_suspense(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if ((payment->flags & PAYMENT_FLAG_SUSPENSE) == 0) return;
    (void)flow_direct(flow, flow_account(flow, CHART_SUSPENSE), flow_account(flow, CHART_CLEARING),
                      payment->step_amount); /* found by reference */
    payment->flags &= (uint8_t)~PAYMENT_FLAG_SUSPENSE;
}

static void charge_done(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if (!money_is_zero(payment->captured)) { /* it was credited before there were doubts */
        flow_state(flow, PAYMENT_STATE_SUCCEEDED);
        return;
    }
    flow_leave_suspense(flow);
    payment->posted =
        flow_direct(flow, flow_account(flow, CHART_CLEARING), payment->wallet, payment->amount);
    payment->captured = payment->amount;
    flow_state(flow, PAYMENT_STATE_SUCCEEDED);
}

static void refund_done(struct flow *flow)
{
    bool pending = !hold_was_released(flow->payment);
    hold_posted(flow);
    if (pending) flow_refund_ended(flow);
    flow_refund_given(flow);
}

static void capture_done(struct flow *flow)
{
    struct payment *payment = flow->payment;
    flow_leave_suspense(flow);
    payment->posted = flow_direct(flow, flow_account(flow, CHART_CLEARING), payment->counter,
                                  payment->step_amount);
    bool fits = money_add(payment->captured, payment->step_amount, &payment->captured);
    CHECK(fits);
    bool last = (payment->flags & PAYMENT_FLAG_FINAL) != 0;
    flow_state(flow, last ? PAYMENT_STATE_CAPTURED : PAYMENT_STATE_PART_CAPTURED);
    if (!last) payment->next_at = payment->expires_at;
}

static void cancel_done(struct flow *flow)
{
    const struct payment *payment = flow->payment;
    bool lapsed = (payment->flags & PAYMENT_FLAG_LAPSED) != 0;
    bool some = !money_is_zero(payment->captured);
    flow_state(flow, some     ? PAYMENT_STATE_CAPTURED
                     : lapsed ? PAYMENT_STATE_EXPIRED
                              : PAYMENT_STATE_CANCELLED);
}

void flow_step_done(struct flow *flow)
{
    struct payment *payment = flow->payment;
    payment->flags &= (uint8_t)~PAYMENT_FLAG_WAITING;
    flow_reason(flow, "");
    switch ((enum psp_operation)payment->step) {
    case PSP_CHARGE: charge_done(flow); return;
    case PSP_PAY_OUT: hold_posted(flow); return;
    case PSP_REFUND: refund_done(flow); return;
    case PSP_CAPTURE: capture_done(flow); return;
    case PSP_CANCEL: cancel_done(flow); return;
    case PSP_AUTHORISE:
        flow_state(flow, PAYMENT_STATE_AUTHORISED);
        payment->next_at = payment->expires_at;
        return;
    case PSP_OPERATION_END: break;
    }
    CHECK(false);
}

static void hold_voided(struct flow *flow)
{
    struct payment *payment = flow->payment;
    flow_state(flow, PAYMENT_STATE_FAILED);
    if (hold_was_released(payment)) return;
    if (payment->kind == PAYMENT_REFUND) flow_refund_ended(flow);
    flow_void(flow, payment->hold);
    payment->hold = (struct transfer_id){ 0 };
}

void flow_step_failed(struct flow *flow, const char *reason)
{
    struct payment *payment = flow->payment;
    payment->flags &= (uint8_t)~PAYMENT_FLAG_WAITING;
    switch ((enum psp_operation)payment->step) {
    case PSP_CHARGE:
        if (!money_is_zero(payment->captured)) {
            payment->posted = flow_reversal(flow, payment->posted);
            payment->captured = MONEY_ZERO;
        }
        flow_state(flow, PAYMENT_STATE_FAILED);
        break;
    case PSP_AUTHORISE: flow_state(flow, PAYMENT_STATE_FAILED); break;
    case PSP_REFUND:
    case PSP_PAY_OUT: hold_voided(flow); break;
    case PSP_CAPTURE: /* what is reserved stays so until it is captured, cancelled or expires */
        flow_state(flow, (enum payment_state)payment->resume);
        payment->next_at = payment->expires_at;
        break;
    case PSP_CANCEL: flow_manual(flow, reason); return; /* whether it is reserved nobody knows */
    case PSP_OPERATION_END: CHECK(false);
    }
    flow_reason(flow, reason);
}

/* ---- Late truths: an answer about a payment that rests ---- */

void flow_came_back(struct flow *flow, const char *reason)
{
    struct payment *payment = flow->payment;
    bool refund = payment->kind == PAYMENT_REFUND;
    if ((payment->flags & PAYMENT_FLAG_SUSPENSE) != 0) {
        payment->posted =
            flow_direct(flow, flow_account(flow, CHART_SUSPENSE), payment->wallet, payment->amount);
        payment->flags &= (uint8_t)~PAYMENT_FLAG_SUSPENSE;
    } else {
        payment->posted = flow_reversal(flow, payment->posted);
    }
    payment->captured = MONEY_ZERO;
    flow_state(flow, refund ? PAYMENT_STATE_REVERSED : PAYMENT_STATE_RETURNED);
    flow_reason(flow, reason);
    if (!refund) return;
    struct payment *parent = &flow->out->parent;
    bool fits = money_subtract(parent->refunded, payment->amount, &parent->refunded);
    CHECK(fits); /* it was added when the refund succeeded */
    flow->out->parent_changed = true;
}

/* The PSP's id of it, whatever else becomes of the answer: a person or a refund will need it. */
static void object_take(struct flow *flow)
{
    struct payment *payment = flow->payment;
    const struct psp_reply *reply = &flow->command->reply;
    bool names = payment->step == PSP_CHARGE || payment->step == PSP_AUTHORISE ||
                 payment->step == PSP_PAY_OUT; /* the others are about an object that is known */
    if (reply->object[0] == '\0' || !names) return;
    memcpy(payment->psp_object, reply->object, sizeof payment->psp_object);
}

/*
 * A decline that the PSP took back. A person's word against it is for a person again, and so is
 * money that has left, since the wallet may have spent what was given back to it.
 */
static void late_done(struct flow *flow)
{
    bool left = flow->payment->kind != PAYMENT_PAY_IN;
    object_take(flow);
    if (left) flow->payment->flags |= PAYMENT_FLAG_UNDONE; /* its hold was: only a person ends it */
    if ((flow->payment->flags & PAYMENT_FLAG_UNDONE) != 0) {
        flow_manual(flow, "done_after_it_was_failed");
    } else if (!amounts_agree(flow)) {
        flow_manual(flow, "amount_differs");
    } else {
        flow_step_done(flow);
    }
}

static void late_answer(struct flow *flow)
{
    struct payment *payment = flow->payment;
    uint8_t answer = flow->command->reply.answer;
    payment->next_at = (struct wall_time){ 0 };
    bool reserved =
        payment->state == PAYMENT_STATE_AUTHORISED || payment->state == PAYMENT_STATE_PART_CAPTURED;
    if (reserved) payment->next_at = payment->expires_at; /* it still waits for its time */
    bool unclear = answer == PSP_ANSWER_UNKNOWN || answer == PSP_ANSWER_NOT_SENT ||
                   answer == PSP_ANSWER_THROTTLED;
    if (unclear) {
        payment->attempts++;
        payment->next_at = later(flow); /* the hint is still to be followed */
        return;
    }
    if (answer == PSP_ANSWER_DONE && payment->state == PAYMENT_STATE_FAILED &&
        payment->kind != PAYMENT_MERCHANT) {
        late_done(flow);
        return;
    }
    if (answer != PSP_ANSWER_DECLINED || payment->state != PAYMENT_STATE_SUCCEEDED) return;
    if (!flow->command->reply
             .query) { /* a second sending may be declined as one: it is asked for */
        payment->next_at = flow->facts->stamp;
        return;
    }
    if (payment->kind == PAYMENT_PAY_OUT || payment->kind == PAYMENT_REFUND) {
        flow_came_back(flow, flow->command->reply.reason);
    }
    if (payment->kind == PAYMENT_PAY_IN) flow_manual(flow, "psp_took_it_back");
}

/* ---- Answers to a step under way ---- */

static bool waited_for_too_long(const struct flow *flow)
{
    int64_t age_ns = flow->facts->stamp.ns - flow->payment->step_at.ns;
    return age_ns > PAYMENT_WAIT_DAYS_MAX * NS_PER_DAY;
}

static void in_doubt(struct flow *flow, const char *reason)
{
    struct payment *payment = flow->payment;
    if (waited_for_too_long(flow)) {
        flow_manual(flow, "in_doubt_for_too_long");
        return;
    }
    payment->flags &= (uint8_t)~PAYMENT_FLAG_WAITING;
    flow_state(flow, PAYMENT_STATE_IN_DOUBT);
    flow_reason(flow, reason);
    payment->next_at = later(flow);
}

void flow_ask_again(struct flow *flow, const char *reason)
{
    struct payment *payment = flow->payment;
    payment->attempts++;
    if (payment->state == PAYMENT_STATE_MANUAL) {
        flow_reason(flow, reason);
        payment->next_at = (struct wall_time){ 0 }; /* whoever mends it asks */
    } else if (payment_under_way(payment)) {
        in_doubt(flow, reason);
    } else {
        payment->next_at = later(flow);
    }
}

static bool key_is_known(const struct flow *flow)
{
    int64_t age_ns = flow->facts->stamp.ns - flow->payment->step_at.ns;
    return age_ns < (int64_t)flow->command->key_window_ms * NS_PER_MS;
}

/* Nothing is there. That proves something only when an order would have shown by now. */
static void not_found(struct flow *flow)
{
    struct payment *payment = flow->payment;
    int64_t sent_ns =
        payment->sent_at.ns > payment->step_at.ns ? payment->sent_at.ns : payment->step_at.ns;
    int64_t since_ns = flow->facts->stamp.ns - sent_ns;
    if (since_ns <= (int64_t)flow->command->horizon_ms * NS_PER_MS) {
        in_doubt(flow, "not_found_yet");
        return;
    }
    if (!key_is_known(flow)) {
        flow_manual(flow, "key_window_over");
        return;
    }
    bool again = flow->before->state == PAYMENT_STATE_PENDING; /* it may be too late to send it */
    payment->flags &= (uint8_t)~PAYMENT_FLAG_WAITING;
    flow_state(flow, PAYMENT_STATE_PENDING);
    flow_reason(flow, "not_found");
    payment->next_at = again ? later(flow) : flow->facts->stamp;
}

static void still_pending(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if (waited_for_too_long(flow)) {
        flow_manual(flow, "pending_for_too_long");
        return;
    }
    bool news = (payment->flags & PAYMENT_FLAG_KNOWN) == 0;
    if (news) payment->doublings = 0; /* it is known to be there: another wait begins, once */
    payment->flags |= PAYMENT_FLAG_KNOWN;
    flow_state(flow, PAYMENT_STATE_PENDING);
    payment->flags |= PAYMENT_FLAG_WAITING;
    payment->next_at = later(flow);
}

/* It did not get there this time; it may have got there before, when nothing is known of it. */
static void not_sent(struct flow *flow)
{
    struct payment *payment = flow->payment;
    uint8_t state = payment->state;
    bool waits = (payment->flags & PAYMENT_FLAG_WAITING) != 0; /* nothing is to be sent */
    if (waits ? waited_for_too_long(flow) : !key_is_known(flow)) {
        flow_manual(flow, "psp_unreachable");
        return;
    }
    flow_reason(flow, flow->command->reply.reason);
    flow_state(flow, (enum payment_state)state);
    payment->next_at = later(flow);
}

void flow_answer_note(struct flow *flow)
{
    const struct psp_reply *reply = &flow->command->reply;
    struct payment *payment = flow->payment;
    bool order = !reply->query && reply->answer != PSP_ANSWER_NOT_SENT &&
                 reply->answer != PSP_ANSWER_THROTTLED;
    if (order) payment->sent_at = flow->facts->stamp;
    payment->attempts++;
    object_take(flow);
}

static void step_answer(struct flow *flow)
{
    const struct psp_reply *reply = &flow->command->reply;
    flow_answer_note(flow);
    switch ((enum psp_answer)reply->answer) {
    case PSP_ANSWER_DONE:
        if (amounts_agree(flow)) {
            flow_step_done(flow);
        } else {
            flow_manual(flow, "amount_differs");
        }
        return;
    case PSP_ANSWER_DECLINED: flow_step_failed(flow, reply->reason); return;
    case PSP_ANSWER_PENDING: still_pending(flow); return;
    case PSP_ANSWER_NOT_FOUND: not_found(flow); return;
    case PSP_ANSWER_NOT_SENT:
    case PSP_ANSWER_THROTTLED: not_sent(flow); return;
    case PSP_ANSWER_INVALID: flow_manual(flow, reply->reason); return;
    case PSP_ANSWER_UNKNOWN: in_doubt(flow, reply->reason); return;
    case PSP_ANSWER_END: break;
    }
    CHECK(false);
}

void flow_answer(struct flow *flow)
{
    if (flow->before == NULL) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOT_FOUND);
        return;
    }
    if (flow->command->step_number != flow->before->step_number || flow->before->step == 0) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE); /* about a step that is over */
        return;
    }
    if (!payment_under_way(flow->before)) {
        late_answer(flow);
    } else if (flow->before->state == PAYMENT_STATE_MANUAL) {
        const struct psp_reply *reply = &flow->command->reply;
        flow->payment->next_at = (struct wall_time){ 0 };
        bool moved = (flow->before->flags & PAYMENT_FLAG_SUSPENSE) != 0 ||
                     !money_is_zero(flow->before->captured);
        bool declined = reply->answer == PSP_ANSWER_DECLINED && !moved;
        uint8_t decided = flow->before->flags & (PAYMENT_FLAG_SUSPENSE | PAYMENT_FLAG_UNDONE);
        bool done = reply->answer == PSP_ANSWER_DONE && decided == 0;
        if (done || declined) {
            step_answer(flow);
        } else { /* only a person can tell */
            object_take(flow);
        }
    } else {
        step_answer(flow);
    }
}
