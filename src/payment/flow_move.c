/* What callers, people and time do to a payment that was made. */
#include "payment/flow.h"

#include <string.h>

#include "base/check.h"

static bool reserved(const struct payment *payment)
{
    return payment->state == PAYMENT_STATE_AUTHORISED ||
           payment->state == PAYMENT_STATE_PART_CAPTURED;
}

static bool under_way(const struct payment *payment)
{
    return payment->state == PAYMENT_STATE_PENDING || payment->state == PAYMENT_STATE_IN_DOUBT ||
           payment->state == PAYMENT_STATE_MANUAL;
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
    if (under_way(flow->before)) return PAYMENT_OUTCOME_STEP_UNDER_WAY;
    if (!reserved(flow->before)) return PAYMENT_OUTCOME_STATE;
    return PAYMENT_OUTCOME_OK;
}

static void captured_from_wallet(struct flow *flow, struct money amount, bool last)
{
    struct payment *payment = flow->payment;
    struct money left;
    bool fits = money_add(payment->captured, amount, &payment->captured) &&
                money_subtract(payment->amount, payment->captured, &left);
    CHECK(fits); /* at most what was left */
    last = last || money_is_zero(left);
    payment->posted = flow_post(flow, payment->hold, amount, !last);
    if (last) payment->hold = (struct transfer_id){ 0 };
    flow_state(flow, last ? PAYMENT_STATE_CAPTURED : PAYMENT_STATE_PART_CAPTURED);
    if (!last) payment->next_at = payment->expires_at;
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
    struct money left;
    bool fits = money_subtract(payment->amount, payment->captured, &left);
    CHECK(fits);
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
    struct money left;
    bool fits = money_subtract(payment->amount, payment->captured, &left);
    CHECK(fits);
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

void flow_execute(struct flow *flow)
{
    const struct payment *before = flow->before;
    enum payment_outcome outcome = PAYMENT_OUTCOME_OK;
    if (before == NULL)
        outcome = PAYMENT_OUTCOME_NOT_FOUND;
    else if (before->kind != PAYMENT_EXCHANGE)
        outcome = PAYMENT_OUTCOME_WRONG_KIND;
    else if (before->state == PAYMENT_STATE_EXPIRED || has_lapsed(flow))
        outcome = PAYMENT_OUTCOME_EXPIRED;
    else if (before->state != PAYMENT_STATE_QUOTED)
        outcome = PAYMENT_OUTCOME_STATE;
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
    struct account_id position = chart_account_id(payment->counter_asset, CHART_POSITION, "");
    (void)flow_direct(flow, position, payment->counter, payment->counter_amount); /* the same */
    flow->out->transfers[flow->out->transfer_count - 1].asset = payment->counter_asset;
    payment->captured = payment->amount;
    flow_state(flow, PAYMENT_STATE_SUCCEEDED);
}

/* A hint changes nothing but when the PSP is asked: state comes from the PSP's own object. */
void flow_hint(struct flow *flow)
{
    if (flow->before == NULL) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOT_FOUND);
        return;
    }
    if (flow->before->step == 0) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE); /* nothing of it is at a PSP */
        return;
    }
    flow->payment->next_at = flow->facts->stamp;
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
        flow_step_done(flow);
    } else if (before->step == PSP_CANCEL) {
        flow_state(flow, (enum payment_state)before->resume); /* it is still reserved */
        flow->payment->next_at = before->expires_at;
    } else {
        flow_step_failed(flow, flow->command->reason);
    }
    flow_reason(flow, flow->command->reason);
}

/* ---- Chargebacks ---- */

static void dispute_open(struct flow *flow)
{
    struct payment *payment = flow->payment;
    struct payment *parent = &flow->out->parent;
    *payment = flow->command->draft;
    payment->kind = PAYMENT_CHARGEBACK;
    payment->created_at = flow->facts->stamp;
    payment->slot = PAYMENT_SLOT_NONE;
    payment->asset = parent->asset;
    payment->wallet = parent->wallet;
    payment->counter = parent->counter;
    memcpy(payment->psp, parent->psp, sizeof payment->psp);
    if (!money_add(parent->disputed, payment->amount, &parent->disputed)) {
        flow_refuse(flow, PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
        return;
    }
    flow->out->parent_changed = true;
    payment->posted = flow_direct(flow, flow_account(flow, CHART_RECEIVABLE),
                                  flow_account(flow, CHART_CLEARING), payment->amount);
    payment->captured = payment->amount;
    flow_state(flow, PAYMENT_STATE_OPENED);
}

static void dispute_undispute(struct flow *flow)
{
    struct payment *parent = &flow->out->parent;
    bool fits = money_subtract(parent->disputed, flow->payment->amount, &parent->disputed);
    CHECK(fits); /* it was added when the dispute was opened */
    flow->out->parent_changed = true;
}

static void dispute_decide(struct flow *flow)
{
    struct payment *payment = flow->payment;
    struct account_id loss = flow_account(flow, CHART_LOSS);
    if (flow->command->state == PAYMENT_STATE_WON) {
        payment->posted = flow_reversal(flow, payment->posted);
        dispute_undispute(flow);
        flow_state(flow, PAYMENT_STATE_WON);
        return;
    }
    payment->posted =
        flow_direct(flow, loss, flow_account(flow, CHART_RECEIVABLE), payment->amount);
    flow_state(flow, PAYMENT_STATE_LOST);
}

/* A decision that the scheme took back: a win becomes a loss, a loss is recovered. */
static void dispute_reverse(struct flow *flow)
{
    struct payment *payment = flow->payment;
    struct payment *parent = &flow->out->parent;
    struct account_id clearing = flow_account(flow, CHART_CLEARING);
    struct account_id loss = flow_account(flow, CHART_LOSS);
    if (payment->state == PAYMENT_STATE_WON) {
        payment->posted = flow_direct(flow, loss, clearing, payment->amount);
        bool fits = money_add(parent->disputed, payment->amount, &parent->disputed);
        CHECK(fits);
        flow->out->parent_changed = true;
    } else {
        payment->posted = flow_direct(flow, clearing, loss, payment->amount);
        dispute_undispute(flow);
    }
    flow_state(flow, PAYMENT_STATE_REVERSED);
}

void flow_dispute(struct flow *flow)
{
    const struct payment *parent = flow->facts->parent;
    uint8_t state = flow->command->state;
    bool opening = flow->before == NULL && state == PAYMENT_STATE_OPENED;
    bool deciding = flow->before != NULL && flow->before->state == PAYMENT_STATE_OPENED &&
                    (state == PAYMENT_STATE_WON || state == PAYMENT_STATE_LOST);
    bool reversing =
        flow->before != NULL && state == PAYMENT_STATE_REVERSED &&
        (flow->before->state == PAYMENT_STATE_WON || flow->before->state == PAYMENT_STATE_LOST);
    enum payment_outcome outcome = PAYMENT_OUTCOME_OK;
    if (parent == NULL)
        outcome = PAYMENT_OUTCOME_PARENT_NOT_FOUND;
    else if (parent->psp[0] == '\0')
        outcome = PAYMENT_OUTCOME_PARENT_WRONG_KIND;
    else if (flow->before != NULL && flow->before->kind != PAYMENT_CHARGEBACK)
        outcome = PAYMENT_OUTCOME_WRONG_KIND;
    else if (!flow->facts->chart)
        outcome = PAYMENT_OUTCOME_CHART_MISSING;
    else if (!opening && !deciding && !reversing)
        outcome = PAYMENT_OUTCOME_STATE;
    if (outcome != PAYMENT_OUTCOME_OK) {
        flow_refuse(flow, outcome);
    } else if (opening) {
        dispute_open(flow);
    } else if (deciding) {
        dispute_decide(flow);
    } else {
        dispute_reverse(flow);
    }
}

/* ---- Settlement ---- */

static bool line_pays_us(uint8_t kind)
{
    return kind == PSP_LINE_CHARGE || kind == PSP_LINE_CHARGEBACK_REVERSAL ||
           kind == PSP_LINE_REFUND_FAILURE || kind == PSP_LINE_PAY_OUT_RETURN;
}

/*
 * The PSP pays gross less fee, or takes gross and fee: what it owed (clearing) is now at the
 * bank, or gone as a fee. A fee may be more than a small gross.
 */
void flow_settle(struct flow *flow)
{
    if (flow->before == NULL) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOT_FOUND);
        return;
    }
    if (flow->before->psp[0] == '\0') {
        flow_refuse(flow, PAYMENT_OUTCOME_WRONG_KIND);
        return;
    }
    struct money gross = flow->command->amount;
    struct money fee = flow->command->fee;
    struct account_id clearing = flow_account(flow, CHART_CLEARING);
    struct account_id bank = flow_account(flow, CHART_BANK);
    struct account_id fees = flow_account(flow, CHART_FEES);
    bool pays = line_pays_us(flow->command->line_kind);
    if (!money_is_zero(gross)) {
        (void)flow_direct(flow, pays ? bank : clearing, pays ? clearing : bank, gross);
    }
    if (!money_is_zero(fee)) (void)flow_direct(flow, fees, bank, fee); /* found by reference */
    flow->payment->flags |= PAYMENT_FLAG_SETTLED;
    if (under_way(flow->before)) flow->payment->next_at = flow->facts->stamp; /* the PSP knows it */
}
