/* Transfers: find out what is meant, decide in the documented order, then apply or refuse. */
#include "ledger/decide.h"

#include "base/check.h"

/* What a transfer means here and now; the outcome is OK until something refuses it. */
struct decision {
    enum outcome outcome;
    uint32_t debit;
    uint32_t credit;
    uint32_t asset;
    uint32_t hold_place;
    uint32_t reversal; /* entry of the target, or ID_MAP_NONE */
    bool in_transit;   /* the hold left for another lane, which decides what becomes of it */
    struct money amount;
    struct money released;
    struct business_date value_date;
    struct account_id debit_id;
    struct account_id credit_id;
};

static bool is_hold_end(const struct transfer *transfer)
{
    return transfer->kind == TRANSFER_POST || transfer->kind == TRANSFER_VOID;
}

bool ledger_needs_target(const struct ledger *ledger, const struct transfer *transfer)
{
    if (transfer->kind == TRANSFER_REVERSAL) return true;
    return is_hold_end(transfer) && hold_find(&ledger->holds, transfer->target) == HOLD_NONE;
}

static enum outcome closed_outcome(uint8_t closed_by)
{
    if (closed_by == TRANSFER_POST) return OUTCOME_HOLD_ALREADY_POSTED;
    if (closed_by == TRANSFER_VOID) return OUTCOME_HOLD_ALREADY_VOIDED;
    CHECK(closed_by == TRANSFER_EXPIRE); /* a hold that is not open was closed by something */
    return OUTCOME_HOLD_EXPIRED;
}

/* The accounts of a target found in history, the right way round for what is asked. */
static void accounts_from_target(const struct ledger *ledger, const struct ledger_target *target,
                                 bool opposite, struct decision *decision)
{
    const struct record_transfer *record = target->view.record;
    decision->debit_id = opposite ? record->credit : record->debit;
    decision->credit_id = opposite ? record->debit : record->credit;
    if (decision->asset == 0) decision->asset = record->asset;
    decision->debit = ledger_account_find(ledger, decision->debit_id);
    decision->credit = ledger_account_find(ledger, decision->credit_id);
}

static bool is_owned(uint8_t flags)
{
    return (flags & TRANSFER_FLAG_OWNED) != 0;
}

static void resolve_hold(const struct ledger *ledger, struct ledger_moment moment,
                         const struct transfer *transfer, const struct ledger_target *target,
                         struct decision *decision)
{
    decision->hold_place = hold_find(&ledger->holds, transfer->target);
    if (decision->hold_place == HOLD_NONE) {
        CHECK(target != NULL);
        if (!target->found) {
            decision->outcome = OUTCOME_TARGET_NOT_FOUND;
        } else if (target->view.record->head.outcome != OUTCOME_OK) {
            decision->outcome = OUTCOME_TARGET_REFUSED;
        } else if (target->view.record->head.kind != TRANSFER_HOLD &&
                   target->view.record->head.kind != TRANSFER_DEPARTURE) {
            decision->outcome = OUTCOME_TARGET_WRONG_KIND;
        } else if (is_owned(target->view.record->head.flags) && !is_owned(transfer->flags)) {
            decision->outcome = OUTCOME_TARGET_OWNED;
        } else {
            decision->in_transit = target->view.record->head.kind == TRANSFER_DEPARTURE;
            accounts_from_target(ledger, target, false, decision);
            decision->outcome = closed_outcome(target->closed_by);
        }
        return;
    }
    const struct hold *hold = &ledger->holds.holds[decision->hold_place];
    if (hold->owned != 0 && !is_owned(transfer->flags)) {
        decision->outcome = OUTCOME_TARGET_OWNED;
        return;
    }
    decision->in_transit = hold->owned == HOLD_OF_TRANSIT;
    decision->debit = hold->debit;
    decision->credit = hold->credit;
    decision->debit_id = ledger->accounts[hold->debit].account.id;
    decision->credit_id = ledger->accounts[hold->credit].account.id;
    if (decision->asset == 0) decision->asset = ledger->accounts[hold->debit].account.asset;
    decision->released = hold->remaining;
    if (hold->expires_at.ns != 0 && moment.stamp.ns >= hold->expires_at.ns) {
        decision->outcome = OUTCOME_HOLD_EXPIRED;
    }
}

static void resolve_reversal(const struct ledger *ledger, const struct transfer *transfer,
                             const struct ledger_target *target, struct decision *decision)
{
    CHECK(target != NULL);
    if (!target->found) {
        decision->outcome = OUTCOME_TARGET_NOT_FOUND;
        return;
    }
    uint8_t kind = target->view.record->head.kind;
    if (target->view.record->head.outcome != OUTCOME_OK) {
        decision->outcome = OUTCOME_TARGET_REFUSED;
    } else if (kind != TRANSFER_DIRECT && kind != TRANSFER_POST && kind != TRANSFER_REVERSAL) {
        decision->outcome = OUTCOME_TARGET_WRONG_KIND;
    } else if (is_owned(target->view.record->head.flags) && !is_owned(transfer->flags)) {
        decision->outcome = OUTCOME_TARGET_OWNED;
    } else {
        accounts_from_target(ledger, target, true, decision);
        decision->reversal = id_map_find(&ledger->reversal_map, transfer->target.value);
        decision->released = target->view.record->amount; /* what can be reversed at most */
        if (decision->reversal != ID_MAP_NONE) {
            struct money reversed = ledger->reversals[decision->reversal].reversed;
            bool fits = money_subtract(decision->released, reversed, &decision->released);
            CHECK(fits);
        }
    }
}

/* What a transfer says by itself. */
static struct decision decision_begin(struct ledger_moment moment, const struct transfer *transfer)
{
    return (struct decision){
        .outcome = OUTCOME_OK,
        .debit = ACCOUNT_NONE,
        .credit = ACCOUNT_NONE,
        .asset = transfer->asset,
        .hold_place = HOLD_NONE,
        .reversal = ID_MAP_NONE,
        .amount = transfer->amount,
        .value_date =
            transfer->value_date.days != 0 ? transfer->value_date : business_date_of(moment.stamp),
        .debit_id = transfer->debit,
        .credit_id = transfer->credit,
    };
}

static void resolve(const struct ledger *ledger, struct ledger_moment moment,
                    const struct transfer *transfer, const struct ledger_target *target,
                    struct decision *decision)
{
    *decision = decision_begin(moment, transfer);
    if (is_hold_end(transfer)) {
        resolve_hold(ledger, moment, transfer, target, decision);
    } else if (transfer->kind == TRANSFER_REVERSAL) {
        resolve_reversal(ledger, transfer, target, decision);
    } else {
        decision->debit = ledger_account_find(ledger, transfer->debit);
        decision->credit = ledger_account_find(ledger, transfer->credit);
    }
}

static bool in_closed_period(const struct ledger *ledger, const struct decision *decision)
{
    return decision->value_date.days <= ledger->registry.closed_through.days;
}

/*
 * The part of the order that needs no amounts. Resolving may already have found a hold's end;
 * what stands before it in the table still comes first.
 */
static enum outcome refuse_early(const struct ledger *ledger, const struct transfer *transfer,
                                 const struct decision *decision)
{
    enum outcome found = decision->outcome;
    if (found != OUTCOME_OK && found < OUTCOME_PERIOD_CLOSED) return found;
    if (decision->debit == ACCOUNT_NONE) return OUTCOME_DEBIT_ACCOUNT_NOT_FOUND;
    if (decision->credit == ACCOUNT_NONE) return OUTCOME_CREDIT_ACCOUNT_NOT_FOUND;
    const struct account *debit = &ledger->accounts[decision->debit].account;
    const struct account *credit = &ledger->accounts[decision->credit].account;
    if (debit->asset != decision->asset || credit->asset != decision->asset) {
        return OUTCOME_ASSET_MISMATCH;
    }
    /* what the other lane has accepted is settled whatever became of the accounts here */
    bool unconditional = transfer->kind == TRANSFER_VOID || decision->in_transit;
    if (!unconditional && in_closed_period(ledger, decision)) return OUTCOME_PERIOD_CLOSED;
    if (found != OUTCOME_OK || unconditional) return found;
    if ((debit->flags & ACCOUNT_FLAG_CLOSED) != 0) return OUTCOME_DEBIT_ACCOUNT_CLOSED;
    if ((credit->flags & ACCOUNT_FLAG_CLOSED) != 0) return OUTCOME_CREDIT_ACCOUNT_CLOSED;
    if ((debit->flags & ACCOUNT_FLAG_FROZEN) != 0) return OUTCOME_DEBIT_ACCOUNT_FROZEN;
    if ((credit->flags & ACCOUNT_FLAG_FROZEN) != 0) return OUTCOME_CREDIT_ACCOUNT_FROZEN;
    return OUTCOME_OK;
}

/* POST and VOID: they only turn what is reserved into posted or free, so no bound is touched. */
static enum outcome settle_amounts(const struct transfer *transfer, struct decision *decision)
{
    struct money reserved = decision->released;
    if (transfer->kind == TRANSFER_VOID) {
        decision->amount = reserved;
        return OUTCOME_OK;
    }
    if (money_equal(transfer->amount, MONEY_MAX)) decision->amount = reserved;
    if (money_less(reserved, decision->amount)) return OUTCOME_AMOUNT_OVER_HOLD;
    if ((transfer->flags & TRANSFER_FLAG_KEEP_REST) != 0) decision->released = decision->amount;
    return OUTCOME_OK;
}

static struct money available(struct money plenty, struct money posted, struct money pending)
{
    struct money rest = MONEY_ZERO;
    if (!money_subtract(plenty, posted, &rest)) return MONEY_ZERO;
    if (!money_subtract(rest, pending, &rest)) return MONEY_ZERO;
    return rest;
}

/* False when the sum passes 128 bits. */
static bool sum_fits(struct money posted, struct money pending, struct money amount,
                     struct money *out_sum)
{
    struct money sum;
    if (!money_add(posted, pending, &sum)) return false;
    return money_add(sum, amount, out_sum);
}

/*
 * All debits of an asset together must fit 128 bits, so that no balance and no total can pass
 * them; its credits are as many.
 */
static bool asset_has_room(const struct ledger *ledger, uint32_t asset, struct money amount)
{
    const struct ledger_totals *rows = &ledger->totals[ledger_totals_index(asset, 0)];
    struct money sum = amount;
    for (int kind = ACCOUNT_ASSET; kind < ACCOUNT_KIND_END; kind++) {
        const struct balance *balance = &rows[kind].balance;
        if (!sum_fits(balance->debits_posted, balance->debits_pending, sum, &sum)) return false;
    }
    return true;
}

static enum outcome move_amounts(const struct ledger *ledger, const struct transfer *transfer,
                                 struct decision *decision)
{
    const struct account_state *debit = &ledger->accounts[decision->debit];
    const struct account_state *credit = &ledger->accounts[decision->credit];
    const struct balance *from = &debit->balance;
    const struct balance *into = &credit->balance;
    if (transfer->kind == TRANSFER_REVERSAL) {
        struct money left = decision->released;
        if (money_equal(transfer->amount, MONEY_MAX)) decision->amount = left;
        if (money_is_zero(left)) return OUTCOME_AMOUNT_OVER_REVERSIBLE;
        if (money_less(left, decision->amount)) return OUTCOME_AMOUNT_OVER_REVERSIBLE;
        decision->released = MONEY_ZERO;
    }
    if ((transfer->flags & TRANSFER_FLAG_BALANCING_DEBIT) != 0) {
        struct money rest =
            available(from->credits_posted, from->debits_posted, from->debits_pending);
        decision->amount = money_min(decision->amount, rest);
    }
    if ((transfer->flags & TRANSFER_FLAG_BALANCING_CREDIT) != 0) {
        struct money rest =
            available(into->debits_posted, into->credits_posted, into->credits_pending);
        decision->amount = money_min(decision->amount, rest);
    }
    if (money_is_zero(decision->amount)) return OUTCOME_NOTHING_TO_MOVE;
    if (!asset_has_room(ledger, decision->asset, decision->amount)) return OUTCOME_AMOUNT_OVERFLOW;
    struct money debits, credits;
    bool fits = sum_fits(from->debits_posted, from->debits_pending, decision->amount, &debits) &&
                sum_fits(into->credits_posted, into->credits_pending, decision->amount, &credits);
    CHECK(fits); /* no account has more than its asset */
    if ((debit->account.flags & ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS) != 0 &&
        money_less(from->credits_posted, debits)) {
        return OUTCOME_DEBITS_EXCEED_CREDITS;
    }
    if ((credit->account.flags & ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS) != 0 &&
        money_less(into->debits_posted, credits)) {
        return OUTCOME_CREDITS_EXCEED_DEBITS;
    }
    return OUTCOME_OK;
}

static bool over_capacity(const struct ledger *ledger, const struct transfer *transfer,
                          const struct decision *decision)
{
    if (transfer_kind_holds(transfer->kind)) return hold_table_full(&ledger->holds);
    return transfer->kind == TRANSFER_REVERSAL && decision->reversal == ID_MAP_NONE &&
           ledger->reversal_count == ledger->options.reversals_max;
}

static enum outcome decide(const struct ledger *ledger, const struct transfer *transfer,
                           struct decision *decision)
{
    enum outcome outcome = refuse_early(ledger, transfer, decision);
    if (outcome != OUTCOME_OK) return outcome;
    if (is_hold_end(transfer)) return settle_amounts(transfer, decision);
    outcome = move_amounts(ledger, transfer, decision);
    if (outcome != OUTCOME_OK) return outcome;
    return over_capacity(ledger, transfer, decision) ? OUTCOME_CAPACITY : OUTCOME_OK;
}

static void record_write(const struct transfer *transfer, const struct decision *decision,
                         struct record_transfer *out_record)
{
    bool done = decision->outcome == OUTCOME_OK;
    uint8_t given = transfer->value_date.days != 0 ? RECORD_FLAG_DATE_GIVEN : 0;
    given |= transfer->asset != 0 ? RECORD_FLAG_ASSET_GIVEN : 0;
    *out_record = (struct record_transfer){
        .head = { .type = RECORD_TRANSFER,
                  .outcome = (uint8_t)decision->outcome,
                  .kind = transfer->kind,
                  .flags = transfer->flags | given },
        .id = transfer->id,
        .debit = decision->debit_id,
        .credit = decision->credit_id,
        .amount = done ? decision->amount : transfer->amount,
        .user_ref = transfer->user_ref,
        .asset = decision->asset,
        .timeout_s = transfer->timeout_s,
        .value_date = decision->value_date,
        .code = transfer->code,
    };
    if (!transfer_is_long(transfer->kind, transfer->flags)) return;
    struct record_transfer_more *more = (struct record_transfer_more *)(out_record + 1);
    *more = (struct record_transfer_more){
        .target = transfer->target,
        .requested = transfer->amount,
        .released = done ? decision->released : MONEY_ZERO,
    };
}

void ledger_refuse(struct ledger_moment moment, const struct transfer *transfer,
                   enum outcome outcome, struct record_transfer *out_record)
{
    CHECK(outcome != OUTCOME_OK);
    struct decision decision = decision_begin(moment, transfer);
    decision.outcome = outcome;
    record_write(transfer, &decision, out_record);
}

/* Both sides of the entry, the account's chain of entries, and the totals of their kinds. */
static void entry_apply(struct ledger *ledger, uint32_t number, enum effect_side side,
                        struct transfer_view view, struct locator locator)
{
    struct account_state *state = &ledger->accounts[number];
    struct ledger_totals *totals =
        &ledger->totals[ledger_totals_index(state->account.asset, state->account.kind)];
    bool fits = effect_apply(view, side, false, &state->balance) &&
                effect_apply(view, side, false, &totals->balance);
    CHECK(fits); /* decided before */
    state->last_entry = locator;
    state->entry_count++;
}

static void hold_apply(struct ledger *ledger, struct ledger_moment moment,
                       const struct transfer *transfer, const struct decision *decision,
                       struct ledger_undo *undo)
{
    if (transfer_kind_holds(transfer->kind)) {
        struct hold hold = {
            .id = transfer->id,
            .remaining = decision->amount,
            .number = ++ledger->holds_made,
            .applied_batch = moment.batch - 1,
            .expires_at = hold_expires_at(moment.stamp, transfer->timeout_s),
            .debit = decision->debit,
            .credit = decision->credit,
            .owned = hold_owner_of(transfer->kind, transfer->flags),
        };
        undo->hold_place = hold_insert(&ledger->holds, &hold);
        undo->hold_made = true;
        return;
    }
    struct hold *hold = &ledger->holds.holds[decision->hold_place];
    undo->hold_place = decision->hold_place;
    undo->hold = *hold;
    undo->hold_changed = true;
    bool fits = money_subtract(hold->remaining, decision->released, &hold->remaining);
    CHECK(fits);
    if (money_is_zero(hold->remaining)) {
        hold_remove(&ledger->holds, decision->hold_place);
        undo->hold_removed = true;
    }
}

static void reversal_apply(struct ledger *ledger, struct ledger_moment moment,
                           const struct transfer *transfer, const struct decision *decision,
                           struct ledger_undo *undo)
{
    uint32_t entry = decision->reversal;
    if (entry == ID_MAP_NONE) {
        entry = ledger->reversal_count++;
        ledger->reversals[entry] = (struct reversal){
            .target = transfer->target,
            .applied_batch = moment.batch - 1,
        };
        id_map_insert(&ledger->reversal_map, entry);
        undo->reversal_made = true;
    }
    struct reversal *reversal = &ledger->reversals[entry];
    bool fits = money_add(reversal->reversed, decision->amount, &reversal->reversed);
    CHECK(fits);
    undo->reversal = entry;
}

enum outcome ledger_transfer(struct ledger *ledger, struct ledger_moment moment,
                             const struct transfer *transfer, const struct ledger_target *target,
                             struct record_transfer *out_record, struct ledger_undo *out_undo)
{
    struct decision decision;
    resolve(ledger, moment, transfer, target, &decision);
    decision.outcome = decide(ledger, transfer, &decision);
    record_write(transfer, &decision, out_record);
    if (decision.outcome != OUTCOME_OK) return decision.outcome;

    struct account_state *debit = &ledger->accounts[decision.debit];
    struct account_state *credit = &ledger->accounts[decision.credit];
    out_record->previous_debit = debit->last_entry;
    out_record->previous_credit = credit->last_entry;
    out_undo->debit = decision.debit;
    out_undo->credit = decision.credit;
    out_undo->hold_made = false;
    out_undo->hold_changed = false;
    out_undo->hold_removed = false;
    out_undo->reversal_made = false;
    struct transfer_view view = transfer_view_of(out_record);
    entry_apply(ledger, decision.debit, EFFECT_DEBIT, view, moment.locator);
    entry_apply(ledger, decision.credit, EFFECT_CREDIT, view, moment.locator);
    if (transfer_kind_holds(transfer->kind) || is_hold_end(transfer)) {
        hold_apply(ledger, moment, transfer, &decision, out_undo);
        if (out_undo->hold_removed) out_record->head.flags |= RECORD_FLAG_CLOSES_HOLD;
    } else if (transfer->kind == TRANSFER_REVERSAL) {
        reversal_apply(ledger, moment, transfer, &decision, out_undo);
    }
    return OUTCOME_OK;
}

bool ledger_expire(struct ledger *ledger, struct ledger_moment moment,
                   struct record_transfer *out_record)
{
    uint32_t place = hold_first_to_expire(&ledger->holds);
    if (place == HOLD_NONE) return false;
    const struct hold *hold = &ledger->holds.holds[place];
    if (hold->expires_at.ns > moment.stamp.ns) return false;
    struct account_state *debit = &ledger->accounts[hold->debit];
    struct account_state *credit = &ledger->accounts[hold->credit];
    *out_record = (struct record_transfer){
        .head = { .type = RECORD_TRANSFER,
                  .outcome = OUTCOME_OK,
                  .kind = TRANSFER_EXPIRE,
                  .flags = RECORD_FLAG_CLOSES_HOLD },
        .debit = debit->account.id,
        .credit = credit->account.id,
        .amount = hold->remaining,
        .previous_debit = debit->last_entry,
        .previous_credit = credit->last_entry,
        .asset = debit->account.asset,
        .value_date = business_date_of(moment.stamp),
    };
    *(struct record_transfer_more *)(out_record + 1) =
        (struct record_transfer_more){ .target = hold->id, .released = hold->remaining };
    struct transfer_view view = transfer_view_of(out_record);
    entry_apply(ledger, hold->debit, EFFECT_DEBIT, view, moment.locator);
    entry_apply(ledger, hold->credit, EFFECT_CREDIT, view, moment.locator);
    hold_remove(&ledger->holds, place);
    return true;
}

struct wall_time ledger_next_expiry(const struct ledger *ledger)
{
    uint32_t place = hold_first_to_expire(&ledger->holds);
    if (place == HOLD_NONE) return (struct wall_time){ 0 };
    return ledger->holds.holds[place].expires_at;
}

static void entry_undo(struct ledger *ledger, uint32_t number, enum effect_side side,
                       struct transfer_view view, struct locator previous)
{
    struct account_state *state = &ledger->accounts[number];
    struct ledger_totals *totals =
        &ledger->totals[ledger_totals_index(state->account.asset, state->account.kind)];
    bool fits = effect_apply(view, side, true, &state->balance) &&
                effect_apply(view, side, true, &totals->balance);
    CHECK(fits);
    state->last_entry = previous;
    state->entry_count--;
}

static void hold_undo(struct ledger *ledger, const struct ledger_undo *undo)
{
    if (undo->hold_made) {
        CHECK(ledger->holds.holds[undo->hold_place].number == ledger->holds_made);
        hold_remove(&ledger->holds, undo->hold_place);
        ledger->holds_made--;
    } else if (undo->hold_removed) {
        hold_restore(&ledger->holds, undo->hold_place, &undo->hold);
    } else if (undo->hold_changed) {
        ledger->holds.holds[undo->hold_place].remaining = undo->hold.remaining;
    }
}

void ledger_undo(struct ledger *ledger, struct transfer_view view, const struct ledger_undo *undo)
{
    CHECK(view.record->head.outcome == OUTCOME_OK);
    hold_undo(ledger, undo);
    if (view.record->head.kind == TRANSFER_REVERSAL) {
        struct reversal *reversal = &ledger->reversals[undo->reversal];
        bool fits = money_subtract(reversal->reversed, view.record->amount, &reversal->reversed);
        CHECK(fits);
        if (undo->reversal_made) {
            id_map_remove(&ledger->reversal_map, undo->reversal);
            ledger->reversal_count--;
        }
    }
    entry_undo(ledger, undo->credit, EFFECT_CREDIT, view, view.record->previous_credit);
    entry_undo(ledger, undo->debit, EFFECT_DEBIT, view, view.record->previous_debit);
}
