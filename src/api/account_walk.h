/* account_walk.h - an account's entries, newest first, read from the journal page by page. */
#ifndef API_ACCOUNT_WALK_H
#define API_ACCOUNT_WALK_H

#include "api/work.h"
#include "wallet/history.h"

/* On a worker, for the account in work->account_state. Takes bulk memory: one walk per call. */
struct account_walk {
    struct work *work;
    struct account_id account;
    struct history_entry *entries;
    uint32_t count;
    uint32_t at;
    struct locator next;
    struct monotonic_time until;
};

/* From `newest` on. False: the problem is raised. */
bool account_walk_begin(struct account_walk *walk, struct work *work, struct locator newest);
/* NULL at the end, or with a problem raised. Good until the next call. */
const struct history_entry *account_walk_next(struct account_walk *walk);
/* Where the walk goes on after this entry. */
struct locator account_walk_after(const struct account_walk *walk,
                                  const struct history_entry *entry);

/* Takes an entry off a balance again. False: the problem is raised (damaged history). */
bool account_walk_undo(struct account_walk *walk, const struct history_entry *entry,
                       struct balance *balance);

/*
 * The balance of work->account_state as of the end of a unit. not_found: the account, or the
 * position, is later. False: the problem is raised.
 */
bool account_balance_at(struct work *work, struct position at, struct balance *out_balance);

#endif
