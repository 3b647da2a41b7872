/* How each kind of payment begins: what must hold, what is written before anything is sent. */
#include "payment/flow_create.h"

#include <string.h>

#include "base/check.h"

/* From the account of the parent's that has the money, back to where it came from. */
struct payment_accounts payment_accounts(const struct payment *draft, const struct payment *parent)
{
    if (draft->kind != PAYMENT_REFUND || parent == NULL) {
        struct payment_accounts accounts = { draft->wallet, draft->counter };
        return accounts;
    }
    bool to_wallet = parent->kind == PAYMENT_WALLET ||
                     (parent->kind == PAYMENT_MERCHANT && parent->method[0] == '\0');
    struct payment_accounts accounts = { 0 };
    accounts.wallet = parent->kind == PAYMENT_PAY_IN ? parent->wallet : parent->counter;
    if (to_wallet) accounts.counter = parent->wallet;
    return accounts;
}

static enum payment_outcome parent_check(const struct payment *parent)
{
    if (parent == NULL) return PAYMENT_OUTCOME_PARENT_NOT_FOUND;
    bool refundable = parent->kind == PAYMENT_PAY_IN || parent->kind == PAYMENT_WALLET ||
                      parent->kind == PAYMENT_MERCHANT;
    if (!refundable) return PAYMENT_OUTCOME_PARENT_WRONG_KIND;
    return money_is_zero(parent->captured) ? PAYMENT_OUTCOME_STATE : PAYMENT_OUTCOME_OK;
}

/* Whether it is paid into another lane, as an exchange cannot be. */
static bool counter_is_away(const struct flow *flow)
{
    const struct payment *payment = flow->payment;
    bool from_wallet = payment->kind == PAYMENT_WALLET ||
                       (payment->kind == PAYMENT_MERCHANT && payment->method[0] == '\0');
    return from_wallet && flow_is_away(flow, payment->counter);
}

/* Whether it gives back what was paid into another lane: that lane has the money. */
static bool wallet_is_away(const struct flow *flow)
{
    return flow->payment->kind == PAYMENT_REFUND && flow_is_away(flow, flow->payment->wallet);
}

/*
 * A payment of one asset between wallets that are there; whoever may make payments may not move what
 * is the house's. What is in another lane is for that lane to look at, when the money arrives or is
 * to leave.
 */
static enum payment_outcome accounts_check(const struct flow *flow)
{
    const struct payment *payment = flow->payment;
    const struct account *wallet = flow->facts->wallet;
    const struct account *counter = flow->facts->counter;
    bool no_wallet = !uuid_is_nil(payment->wallet.value) && wallet == NULL && !wallet_is_away(flow);
    bool no_counter =
        !uuid_is_nil(payment->counter.value) && counter == NULL && !counter_is_away(flow);
    if (no_wallet || no_counter) return PAYMENT_OUTCOME_ACCOUNT_NOT_FOUND;
    uint32_t counter_asset =
        payment->kind == PAYMENT_EXCHANGE ? payment->counter_asset : payment->asset;
    bool differs = (wallet != NULL && wallet->asset != payment->asset) ||
                   (counter != NULL && counter->asset != counter_asset);
    if (differs) return PAYMENT_OUTCOME_ASSET_MISMATCH;
    bool wallets = (wallet == NULL || chart_is_wallet(wallet)) &&
                   (counter == NULL || chart_is_wallet(counter));
    return wallets ? PAYMENT_OUTCOME_OK : PAYMENT_OUTCOME_NOT_A_WALLET;
}

static void refund_create(struct flow *flow)
{
    struct payment *refund = flow->payment;
    struct money refundable = payment_refundable(&flow->out->parent);
    if (money_equal(refund->amount, MONEY_MAX)) refund->amount = refundable;
    if (money_is_zero(refund->amount) || money_less(refundable, refund->amount)) {
        flow_refuse(flow, PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
        return;
    }
    if (wallet_is_away(flow)) {
        flow_depart(flow, refund->wallet, refund->counter, refund->amount);
        flow_refund_pending(flow);
        return;
    }
    if (!uuid_is_nil(refund->counter.value)) {
        refund->posted = flow_direct(flow, refund->wallet, refund->counter, refund->amount);
        refund->captured = refund->amount;
        flow_state(flow, PAYMENT_STATE_SUCCEEDED);
        flow_refund_given(flow);
        return;
    }
    refund->hold =
        flow_hold(flow, refund->wallet, flow_account(flow, CHART_CLEARING), refund->amount);
    flow_step(flow, PSP_REFUND, refund->amount);
    flow_refund_pending(flow);
}

/*
 * The counter amount is rounded down; what of the given amount that leaves over, in whole minor
 * units, is the residue: amounts are below 2^60 and the numerator below 2^64, so nothing
 * overflows.
 */
static void exchange_create(struct flow *flow)
{
    struct payment *payment = flow->payment;
    uint64_t numerator = flow->facts->rate_numerator;
    uint64_t denominator = flow->facts->rate_denominator;
    if (numerator == 0 || denominator == 0) {
        flow_refuse(flow, PAYMENT_OUTCOME_RATE_NOT_FOUND);
        return;
    }
    uint128 counter = payment->amount.minor * numerator / denominator;
    if (counter == 0 || counter > PAYMENT_AMOUNT_MAX) {
        flow_refuse(flow, PAYMENT_OUTCOME_NOTHING_TO_MOVE);
        return;
    }
    uint128 needed = (counter * denominator + numerator - 1) / numerator;
    CHECK(needed <= payment->amount.minor);
    payment->counter_amount.minor = counter;
    payment->residue.minor = payment->amount.minor - needed;
    payment->rate_numerator = numerator;
    payment->rate_denominator = denominator;
    flow_state(flow, PAYMENT_STATE_QUOTED);
    struct wall_time latest = { flow->facts->stamp.ns + PAYMENT_QUOTE_S * NS_PER_S };
    bool sooner = payment->expires_at.ns != 0 && payment->expires_at.ns < latest.ns;
    if (!sooner) payment->expires_at = latest;
    payment->next_at = payment->expires_at;
}

/* Into another lane it has left when it is made, and is there when that lane says so. */
static void wallet_create(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if (flow_is_away(flow, payment->counter)) {
        flow_depart(flow, payment->wallet, payment->counter, payment->amount);
        return;
    }
    payment->posted = flow_direct(flow, payment->wallet, payment->counter, payment->amount);
    payment->captured = payment->amount;
    flow_state(flow, PAYMENT_STATE_SUCCEEDED);
}

static void merchant_create(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if (payment->method[0] != '\0') {
        flow_step(flow, PSP_AUTHORISE, payment->amount);
        return;
    }
    if (flow_is_away(flow, payment->counter)) {
        payment->hold = flow_reserve(flow, payment->amount);
    } else {
        payment->hold = flow_hold(flow, payment->wallet, payment->counter, payment->amount);
    }
    flow_state(flow, PAYMENT_STATE_AUTHORISED);
    payment->next_at = payment->expires_at;
}

static enum payment_outcome create_check(const struct flow *flow)
{
    const struct payment *payment = flow->payment;
    if (payment->kind == PAYMENT_REFUND) {
        enum payment_outcome outcome = parent_check(flow->facts->parent);
        if (outcome != PAYMENT_OUTCOME_OK) return outcome;
        uint32_t named = flow->command->draft.asset; /* what the amount was counted in */
        if (named != 0 && named != payment->asset) return PAYMENT_OUTCOME_ASSET_MISMATCH;
    }
    enum payment_outcome outcome = accounts_check(flow);
    if (outcome != PAYMENT_OUTCOME_OK) return outcome;
    bool reserves_here = payment->kind == PAYMENT_MERCHANT && counter_is_away(flow);
    bool needs_chart =
        payment->psp[0] != '\0' || payment->kind == PAYMENT_EXCHANGE || reserves_here;
    if (needs_chart && !flow->facts->chart) return PAYMENT_OUTCOME_CHART_MISSING;
    bool late = payment->expires_at.ns != 0 && payment->expires_at.ns <= flow->facts->stamp.ns;
    return late ? PAYMENT_OUTCOME_EXPIRED : PAYMENT_OUTCOME_OK;
}

void flow_create(struct flow *flow)
{
    if (flow->before != NULL) {
        flow_refuse(flow, PAYMENT_OUTCOME_ID_CONFLICT); /* repeats are found before */
        return;
    }
    struct payment *payment = flow->payment;
    *payment = flow->command->draft;
    payment->created_at = flow->facts->stamp;
    payment->state = PAYMENT_STATE_NONE;
    payment->slot = PAYMENT_SLOT_NONE;
    const struct payment *parent = flow->facts->parent;
    if (payment->kind == PAYMENT_REFUND && parent != NULL) {
        struct payment_accounts accounts = payment_accounts(payment, parent);
        payment->wallet = accounts.wallet;
        payment->counter = accounts.counter;
        payment->asset = parent->asset;
        memcpy(payment->psp, parent->psp, sizeof payment->psp);
        memcpy(payment->psp_object, parent->psp_object, sizeof payment->psp_object);
    }
    enum payment_outcome outcome = create_check(flow);
    if (outcome != PAYMENT_OUTCOME_OK) {
        flow_refuse(flow, outcome);
        return;
    }
    switch ((enum payment_kind)payment->kind) {
    case PAYMENT_PAY_IN: flow_step(flow, PSP_CHARGE, payment->amount); break;
    case PAYMENT_PAY_OUT:
        payment->hold =
            flow_hold(flow, payment->wallet, flow_account(flow, CHART_CLEARING), payment->amount);
        flow_step(flow, PSP_PAY_OUT, payment->amount);
        break;
    case PAYMENT_WALLET: wallet_create(flow); break;
    case PAYMENT_MERCHANT: merchant_create(flow); break;
    case PAYMENT_REFUND: refund_create(flow); break;
    case PAYMENT_EXCHANGE: exchange_create(flow); break;
    case PAYMENT_CHARGEBACK:
    case PAYMENT_KIND_END: CHECK(false); /* payment_fault() refuses them */
    }
}
