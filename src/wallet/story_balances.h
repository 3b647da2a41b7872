/* story_balances.h - what each transfer of a payment's story left on the accounts it moved. */
#ifndef WALLET_STORY_BALANCES_H
#define WALLET_STORY_BALANCES_H

#include "wallet/history.h"
#include "wallet/story.h"

/*
 * A record has no balance in it: it is found by walking back from the account as it stands now, so
 * the cost is the number of entries since. That is small for a wallet, and may be large for an
 * account of the chart; there the walk ends after STORY_ENTRIES_MAX, and the side is not told.
 */
enum {
    STORY_ACCOUNTS_MAX = 32, /* of one story; what a payment moves is between ten at most */
    STORY_ENTRIES_MAX = 2000,
    STORY_ENTRIES_PAGE = 32,
};

/* The accounts that the story's transfers moved, without those past the maximum. */
uint32_t story_accounts(const struct story *story, struct uuid out_accounts[STORY_ACCOUNTS_MAX]);

/*
 * Fills `debit_after` and `credit_after` of the story's transfers from the states of its accounts
 * (nil ids are left out), which were read after the story. entries: room for STORY_ENTRIES_PAGE.
 * Blocks on the disk. STATUS_CORRUPT, STATUS_UNAVAILABLE.
 */
enum status story_balances(struct store *store, struct story *story,
                           const struct account_state *states, uint32_t count,
                           struct history_entry *entries, struct error *out_error) MUST_CHECK;

/* Sides of transfers that moved something, and whose balance is not told. */
uint32_t story_balances_missing(const struct story *story);

#endif
