/* history.h - reading the journal back: records, account histories, balances of the past. */
#ifndef WALLET_HISTORY_H
#define WALLET_HISTORY_H

#include "model/record.h"
#include "port/store.h"
#include "wallet/lane.h"

/*
 * These calls read the store on the caller's task (they may block on the disk) and see only
 * what is durable. They hold no lock and no snapshot between records.
 */

/* A transfer record made whole: its context, and `more` (zero when the record has none). */
struct history_entry {
    struct locator locator;
    struct position position;
    struct wall_time stamp;
    struct record_context context;
    struct record_transfer transfer;
    struct record_transfer_more more;
};

/* STATUS_NOT_FOUND (no transfer record there), STATUS_CORRUPT, STATUS_UNAVAILABLE. */
enum status history_transfer(struct store *store, struct locator locator,
                             struct history_entry *out_entry, struct error *out_error) MUST_CHECK;

/* A payment's record made whole: as it stood behind that, and who asked. */
struct history_payment {
    struct locator locator;
    struct position position;
    struct wall_time stamp;
    struct record_context context;
    struct record_payment record;
};

/* STATUS_NOT_FOUND (no payment record there), STATUS_CORRUPT, STATUS_UNAVAILABLE. */
enum status history_payment(struct store *store, struct locator locator,
                            struct history_payment *out_payment, struct error *out_error)
    MUST_CHECK;

/* The record that made or refused an account. As history_transfer(). */
enum status history_account(struct store *store, struct locator locator,
                            struct record_account *out_record, struct error *out_error) MUST_CHECK;

/* A page of entries: room for `limit` of them is the caller's; the rest is written. */
struct history_page {
    struct history_entry *entries;
    uint32_t limit;
    uint32_t count;
    struct locator next; /* where to go on; none at the end */
};

/*
 * The entries of an account, newest first: from `newest` (an account_state's last_entry, or an
 * entry's previous_debit / previous_credit as continuation) at most page->limit.
 */
enum status history_of_account(struct store *store, struct account_id account,
                               struct locator newest, struct history_page *page,
                               struct error *out_error) MUST_CHECK;

/*
 * The balance of an account as of the end of a unit: walks back from `state`, so its cost is
 * the number of entries since. STATUS_INVALID when the account was made later than that.
 */
enum status history_balance_at(struct store *store, const struct account_state *state,
                               struct position at, struct balance *out_balance,
                               struct error *out_error) MUST_CHECK;

/*
 * Calls visit for each transfer record of the batches [first, last], in order, until it
 * returns false. One batch is in memory at a time.
 */
enum status history_scan(struct store *store, uint64_t first, uint64_t last,
                         bool (*visit)(void *argument, const struct history_entry *entry),
                         void *argument, struct error *out_error) MUST_CHECK;

/* The same from the last record of `last` to the first of `first`. */
enum status history_scan_back(struct store *store, uint64_t first, uint64_t last,
                              bool (*visit)(void *argument, const struct history_entry *entry),
                              void *argument, struct error *out_error) MUST_CHECK;

/*
 * What an entry did to one of its accounts: added to balance (or, when undo, taken off again).
 * Does nothing for a refusal or a stranger. False: it cannot be (damaged history).
 */
bool history_effect(const struct history_entry *entry, struct account_id account, bool undo,
                    struct balance *balance) MUST_CHECK;

#endif
