/* What is derived after recovery, and the check of every invariant over the whole state. */
#include "ledger/verify.h"

#include <string.h>

#include "base/check.h"

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

static bool known_kind_and_asset(const struct ledger *ledger, const struct account *account)
{
    return account->kind >= ACCOUNT_ASSET && account->kind < ACCOUNT_KIND_END &&
           registry_asset_by_id(&ledger->registry, account->asset) != NULL;
}

enum status ledger_recovered(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        if (!known_kind_and_asset(ledger, &ledger->accounts[i].account)) return STATUS_CORRUPT;
    }
    memset(ledger->totals, 0, LEDGER_TOTALS_MAX * sizeof *ledger->totals);
    return totals_sum(ledger, ledger->totals) ? STATUS_OK : STATUS_CORRUPT;
}

static const char *accounts_fault(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        const struct account_state *state = &ledger->accounts[i];
        const struct balance *balance = &state->balance;
        if (!known_kind_and_asset(ledger, &state->account)) return "an account's asset or kind";
        if (ledger_account_find(ledger, state->account.id) != i) return "the map of accounts";
        struct money debits = balance->debits_posted;
        struct money credits = balance->credits_posted;
        bool fits = money_add(debits, balance->debits_pending, &debits) &&
                    money_add(credits, balance->credits_pending, &credits);
        if (!fits) return "a balance passes 128 bits";
        uint16_t flags = state->account.flags;
        if ((flags & ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS) != 0 &&
            money_less(balance->credits_posted, debits)) {
            return "an account's debits exceed its credits";
        }
        if ((flags & ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS) != 0 &&
            money_less(balance->debits_posted, credits)) {
            return "an account's credits exceed its debits";
        }
    }
    return NULL;
}

/* Per asset, over all kinds: what was debited was credited, and the same for what is pending. */
static const char *assets_fault(const struct ledger_totals *totals)
{
    for (uint32_t asset = 0; asset < LEDGER_ASSETS_MAX; asset++) {
        struct balance sum = { 0 };
        for (uint32_t kind = 0; kind < ACCOUNT_KIND_END; kind++) {
            if (!balance_add(&sum, &totals[asset * ACCOUNT_KIND_END + kind].balance)) {
                return "an asset's totals pass 128 bits";
            }
        }
        if (!money_equal(sum.debits_posted, sum.credits_posted)) {
            return "an asset's posted debits and credits differ";
        }
        if (!money_equal(sum.debits_pending, sum.credits_pending)) {
            return "an asset's pending debits and credits differ";
        }
    }
    return NULL;
}

static const char *holds_fault(const struct ledger *ledger, const struct ledger_totals *totals)
{
    if (hold_table_check(&ledger->holds) != STATUS_OK) return "the table of holds";
    struct money held = MONEY_ZERO;
    struct money pending = MONEY_ZERO;
    const struct hold_table *table = &ledger->holds;
    for (uint32_t at = table->first; at != HOLD_NONE; at = table->holds[at].next) {
        if (!money_add(held, table->holds[at].remaining, &held)) return "the sum of holds";
    }
    for (uint32_t i = 0; i < LEDGER_TOTALS_MAX; i++) {
        if (!money_add(pending, totals[i].balance.debits_pending, &pending)) {
            return "the sum of what is pending";
        }
    }
    return money_equal(held, pending) ? NULL : "what is pending is not what is held";
}

enum status ledger_check(const struct ledger *ledger, const char **out_reason)
{
    CHECK(out_reason != NULL);
    *out_reason = accounts_fault(ledger);
    if (*out_reason != NULL) return STATUS_CORRUPT;
    static _Thread_local struct ledger_totals sums[LEDGER_TOTALS_MAX];
    memset(sums, 0, sizeof sums);
    if (!totals_sum(ledger, sums)) {
        *out_reason = "the sum of all accounts passes 128 bits";
        return STATUS_CORRUPT;
    }
    for (uint32_t i = 0; i < LEDGER_TOTALS_MAX; i++) {
        if (sums[i].account_count != ledger->totals[i].account_count ||
            !balance_equal(&sums[i].balance, &ledger->totals[i].balance)) {
            *out_reason = "the totals are not the sums of the accounts";
            return STATUS_CORRUPT;
        }
    }
    *out_reason = assets_fault(sums);
    if (*out_reason == NULL) *out_reason = holds_fault(ledger, sums);
    return *out_reason == NULL ? STATUS_OK : STATUS_CORRUPT;
}
