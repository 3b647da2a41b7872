/* What is derived after recovery, and the check of every invariant over the whole state. */
#include "ledger/verify.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/reserve.h"

#define LEDGER_FAULT_TEXT(name, text) text,
static const char *const fault_texts[] = { LEDGER_FAULT_TABLE(LEDGER_FAULT_TEXT) };
#undef LEDGER_FAULT_TEXT

static const size_t TOTALS_SIZE = LEDGER_TOTALS_MAX * sizeof(struct ledger_totals);

const char *ledger_fault_text(enum ledger_fault fault)
{
    CHECK(fault < LEDGER_FAULT_COUNT);
    return fault_texts[fault];
}

static bool balance_add(struct balance *sum, const struct balance *more)
{
    return money_add(sum->debits_posted, more->debits_posted, &sum->debits_posted) &&
           money_add(sum->debits_pending, more->debits_pending, &sum->debits_pending) &&
           money_add(sum->credits_posted, more->credits_posted, &sum->credits_posted) &&
           money_add(sum->credits_pending, more->credits_pending, &sum->credits_pending);
}

static bool balance_equal(const struct balance *a, const struct balance *b)
{
    return money_equal(a->debits_posted, b->debits_posted) &&
           money_equal(a->debits_pending, b->debits_pending) &&
           money_equal(a->credits_posted, b->credits_posted) &&
           money_equal(a->credits_pending, b->credits_pending);
}

/* False when a sum passes 128 bits, which only damaged balances can do. */
static bool totals_sum(const struct ledger *ledger, struct ledger_totals *totals)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        const struct account_state *state = &ledger->accounts[i];
        struct ledger_totals *row =
            &totals[ledger_totals_index(state->account.asset, state->account.kind)];
        row->account_count++;
        if (!balance_add(&row->balance, &state->balance)) return false;
    }
    return true;
}

static bool account_known(const struct ledger *ledger, const struct account *account)
{
    return account->kind >= ACCOUNT_ASSET && account->kind < ACCOUNT_KIND_END &&
           (account->flags & ~ACCOUNT_FLAGS_ALL) == 0 &&
           (account->flags & ACCOUNT_FLAGS_BOUND) != ACCOUNT_FLAGS_BOUND &&
           registry_asset_by_id(&ledger->registry, account->asset) != NULL;
}

enum status ledger_recovered(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        if (!account_known(ledger, &ledger->accounts[i].account)) return STATUS_CORRUPT;
    }
    memset(ledger->totals, 0, TOTALS_SIZE);
    if (!totals_sum(ledger, ledger->totals)) return STATUS_CORRUPT;
    return payment_table_recovered(&ledger->payments);
}

static enum ledger_fault account_check(const struct ledger *ledger, uint32_t number)
{
    const struct account_state *state = &ledger->accounts[number];
    const struct balance *balance = &state->balance;
    if (!account_known(ledger, &state->account)) return LEDGER_FAULT_ACCOUNT_CONTENT;
    if (ledger_account_find(ledger, state->account.id) != number) return LEDGER_FAULT_ACCOUNT_MAP;
    struct money debits = balance->debits_posted;
    struct money credits = balance->credits_posted;
    bool fits = money_add(debits, balance->debits_pending, &debits) &&
                money_add(credits, balance->credits_pending, &credits);
    if (!fits) return LEDGER_FAULT_TOTALS_OVERFLOW;
    uint16_t flags = state->account.flags;
    if ((flags & ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS) != 0 &&
        money_less(balance->credits_posted, debits)) {
        return LEDGER_FAULT_DEBITS_EXCEED_CREDITS;
    }
    if ((flags & ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS) != 0 &&
        money_less(balance->debits_posted, credits)) {
        return LEDGER_FAULT_CREDITS_EXCEED_DEBITS;
    }
    return LEDGER_FAULT_NONE;
}

static enum ledger_fault accounts_check(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        enum ledger_fault fault = account_check(ledger, i);
        if (fault != LEDGER_FAULT_NONE) return fault;
    }
    bool whole = ledger->account_map.count == ledger->account_count;
    return whole ? LEDGER_FAULT_NONE : LEDGER_FAULT_ACCOUNT_MAP;
}

static enum ledger_fault totals_check(const struct ledger *ledger,
                                      const struct ledger_totals *totals)
{
    for (uint32_t i = 0; i < LEDGER_TOTALS_MAX; i++) {
        const struct ledger_totals *kept = &ledger->totals[i];
        if (totals[i].account_count != kept->account_count ||
            !balance_equal(&totals[i].balance, &kept->balance)) {
            return LEDGER_FAULT_TOTALS_DIFFER;
        }
    }
    return LEDGER_FAULT_NONE;
}

/* Over all kinds: what was debited was credited, and the same for what is pending. */
static enum ledger_fault asset_check(const struct ledger_totals *rows)
{
    struct balance sum = { 0 };
    for (uint32_t kind = 0; kind < ACCOUNT_KIND_END; kind++) {
        if (!balance_add(&sum, &rows[kind].balance)) return LEDGER_FAULT_TOTALS_OVERFLOW;
    }
    if (!money_equal(sum.debits_posted, sum.credits_posted)) return LEDGER_FAULT_POSTED_DIFFER;
    if (!money_equal(sum.debits_pending, sum.credits_pending)) return LEDGER_FAULT_PENDING_DIFFER;
    struct money all; /* what AMOUNT_OVERFLOW keeps within 128 bits */
    bool fits = money_add(sum.debits_posted, sum.debits_pending, &all);
    return fits ? LEDGER_FAULT_NONE : LEDGER_FAULT_TOTALS_OVERFLOW;
}

static enum ledger_fault assets_check(const struct ledger_totals *totals)
{
    for (uint32_t asset = 0; asset < LEDGER_ASSETS_MAX; asset++) {
        enum ledger_fault fault = asset_check(&totals[asset * ACCOUNT_KIND_END]);
        if (fault != LEDGER_FAULT_NONE) return fault;
    }
    return LEDGER_FAULT_NONE;
}

/*
 * One number for "so much is pending on each account", modulo 2^128: the amounts weighted by
 * mixed account numbers. Two sums that differ on any account agree by a rare accident only.
 */
static uint128 pending_weight(uint32_t account, enum effect_side side)
{
    uint64_t seed = account * UINT64_C(2) + (side == EFFECT_CREDIT ? 1 : 0);
    uint64_t high = hash_fold(seed ^ 0xA0761D6478BD642FU, 0xE7037ED1A0B428DBU);
    uint64_t low = hash_fold(seed ^ 0x8EBC6AF09C88C6E3U, 0x589965CC75374CC3U);
    return (uint128)high << 64 | low | 1;
}

static enum ledger_fault holds_check(const struct ledger *ledger)
{
    const struct hold_table *table = &ledger->holds;
    if (hold_table_check(table) != STATUS_OK) return LEDGER_FAULT_HOLD_TABLE;
    if (table->last != HOLD_NONE && table->holds[table->last].number > ledger->holds_made) {
        return LEDGER_FAULT_HOLD_TABLE;
    }
    uint128 held = 0;
    for (uint32_t at = table->first; at != HOLD_NONE; at = table->holds[at].next) {
        const struct hold *hold = &table->holds[at];
        uint32_t count = ledger->account_count;
        if (hold->debit >= count || hold->credit >= count) return LEDGER_FAULT_HOLD_ACCOUNTS;
        held += hold->remaining.minor * pending_weight(hold->debit, EFFECT_DEBIT);
        held += hold->remaining.minor * pending_weight(hold->credit, EFFECT_CREDIT);
    }
    uint128 pending = 0;
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        const struct balance *balance = &ledger->accounts[i].balance;
        pending += balance->debits_pending.minor * pending_weight(i, EFFECT_DEBIT);
        pending += balance->credits_pending.minor * pending_weight(i, EFFECT_CREDIT);
    }
    return held == pending ? LEDGER_FAULT_NONE : LEDGER_FAULT_HOLDS_DIFFER;
}

static enum ledger_fault reversals_check(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->reversal_count; i++) {
        const struct reversal *reversal = &ledger->reversals[i];
        if (money_is_zero(reversal->reversed)) return LEDGER_FAULT_REVERSALS;
        if (id_map_find(&ledger->reversal_map, reversal->target.value) != i) {
            return LEDGER_FAULT_REVERSALS;
        }
    }
    bool whole = ledger->reversal_map.count == ledger->reversal_count;
    return whole ? LEDGER_FAULT_NONE : LEDGER_FAULT_REVERSALS;
}

static enum ledger_fault totals_and_assets_check(const struct ledger *ledger)
{
    struct ledger_totals *totals = reserve_new(TOTALS_SIZE);
    if (totals == NULL) return LEDGER_FAULT_MEMORY;
    enum ledger_fault fault = LEDGER_FAULT_NONE;
    if (!totals_sum(ledger, totals)) fault = LEDGER_FAULT_TOTALS_OVERFLOW;
    if (fault == LEDGER_FAULT_NONE) fault = totals_check(ledger, totals);
    if (fault == LEDGER_FAULT_NONE) fault = assets_check(totals);
    reserve_free(totals, TOTALS_SIZE);
    return fault;
}

enum status ledger_check(const struct ledger *ledger, const char **out_reason)
{
    CHECK(ledger != NULL);
    CHECK(out_reason != NULL);
    enum ledger_fault fault = accounts_check(ledger);
    if (fault == LEDGER_FAULT_NONE) fault = totals_and_assets_check(ledger);
    if (fault == LEDGER_FAULT_NONE) fault = holds_check(ledger);
    if (fault == LEDGER_FAULT_NONE) fault = reversals_check(ledger);
    if (fault == LEDGER_FAULT_NONE && payment_table_check(&ledger->payments) != STATUS_OK) {
        fault = LEDGER_FAULT_PAYMENTS;
    }
    if (fault == LEDGER_FAULT_NONE) return STATUS_OK;
    *out_reason = ledger_fault_text(fault);
    return fault == LEDGER_FAULT_MEMORY ? STATUS_LIMIT : STATUS_CORRUPT;
}
