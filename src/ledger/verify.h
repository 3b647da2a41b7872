/* verify.h - every invariant of a ledger's state, and what is derived from it. */
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#include "ledger/ledger.h"

/* After loading slices and after replay: recomputes what is derived. */
enum status ledger_recovered(struct ledger *ledger) MUST_CHECK;

/*
 * Every invariant: totals equal the sum of the accounts; per asset debits equal credits, posted
 * and pending; pending equals the open holds; bounds hold; maps agree. One pass over all.
 * STATUS_CORRUPT, and *out_reason (static) says which.
 */
enum status ledger_check(const struct ledger *ledger, const char **out_reason) MUST_CHECK;

#endif
