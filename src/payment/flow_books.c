/* Facts from outside: they are booked whatever the payment has come to. */
#include "payment/flow_books.h"

#include <string.h>

#include "base/check.h"

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

static enum payment_outcome dispute_check(const struct flow *flow, bool opening)
{
    const struct payment *parent = flow->facts->parent;
    if (parent == NULL) return PAYMENT_OUTCOME_PARENT_NOT_FOUND;
    if (parent->psp[0] == '\0') return PAYMENT_OUTCOME_PARENT_WRONG_KIND;
    const struct payment *draft = &flow->command->draft;
    if (draft->psp[0] != '\0' && strcmp(draft->psp, parent->psp) != 0) {
        return PAYMENT_OUTCOME_PARENT_NOT_FOUND; /* it is not this PSP's to tell */
    }
    if (draft->asset != 0 && draft->asset != parent->asset) return PAYMENT_OUTCOME_ASSET_MISMATCH;
    if (flow->before != NULL && flow->before->kind != PAYMENT_CHARGEBACK) {
        return PAYMENT_OUTCOME_WRONG_KIND;
    }
    if (!flow->facts->chart) return PAYMENT_OUTCOME_CHART_MISSING;
    bool nothing = opening && money_is_zero(parent->captured);
    return nothing ? PAYMENT_OUTCOME_STATE : PAYMENT_OUTCOME_OK;
}

void flow_dispute(struct flow *flow)
{
    const struct payment *before = flow->before;
    uint8_t state = flow->command->state;
    bool opening = before == NULL && state == PAYMENT_STATE_OPENED;
    bool deciding = before != NULL && before->state == PAYMENT_STATE_OPENED &&
                    (state == PAYMENT_STATE_WON || state == PAYMENT_STATE_LOST);
    bool decided = before != NULL &&
                   (before->state == PAYMENT_STATE_WON || before->state == PAYMENT_STATE_LOST);
    bool reversing = decided && state == PAYMENT_STATE_REVERSED;
    enum payment_outcome outcome = dispute_check(flow, opening);
    if (outcome != PAYMENT_OUTCOME_OK) {
        flow_refuse(flow, outcome);
    } else if (opening) {
        dispute_open(flow);
    } else if (deciding) {
        dispute_decide(flow);
    } else if (reversing) {
        dispute_reverse(flow);
    } else {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE);
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
    const struct payment *line = &flow->command->draft;
    if (flow->before->psp[0] == '\0' || strcmp(flow->before->psp, line->psp) != 0) {
        flow_refuse(flow, PAYMENT_OUTCOME_WRONG_KIND);
        return;
    }
    if (line->asset != flow->before->asset) {
        flow_refuse(flow, PAYMENT_OUTCOME_ASSET_MISMATCH);
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
    if (payment_under_way(flow->before))
        flow->payment->next_at = flow->facts->stamp; /* the PSP knows it */
}
