/* verify.h - every invariant of a ledger's state, and what is derived from it. */
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#include "ledger/ledger.h"

/* After loading slices and after replay: recomputes what is derived. STATUS_CORRUPT. */
enum status ledger_recovered(struct ledger *ledger) MUST_CHECK;

/* What can be wrong with a state, in the order of looking. */
#define LEDGER_FAULT_TABLE(X)                                                                      \
    X(NONE, "nothing is wrong")                                                                    \
    X(ACCOUNT_CONTENT, "an account's asset, kind or flags")                                        \
    X(ACCOUNT_MAP, "the map of accounts")                                                          \
    X(DEBITS_EXCEED_CREDITS, "an account's debits exceed its credits")                             \
    X(CREDITS_EXCEED_DEBITS, "an account's credits exceed its debits")                             \
    X(TOTALS_OVERFLOW, "the balances of an asset pass 128 bits")                                   \
    X(TOTALS_DIFFER, "the totals are not the sums of the accounts")                                \
    X(POSTED_DIFFER, "an asset's posted debits and credits differ")                                \
    X(PENDING_DIFFER, "an asset's pending debits and credits differ")                              \
    X(HOLD_TABLE, "the table of holds")                                                            \
    X(HOLD_ACCOUNTS, "a hold's accounts")                                                          \
    X(HOLDS_DIFFER, "what is pending is not what is held")                                         \
    X(REVERSALS, "the table of reversals")                                                         \
    X(PAYMENTS, "the table of open payments")                                                      \
    X(MEMORY, "there is no memory to check with")

#define LEDGER_FAULT_ENUM(name, text) LEDGER_FAULT_##name,
enum ledger_fault { LEDGER_FAULT_TABLE(LEDGER_FAULT_ENUM) LEDGER_FAULT_COUNT };
#undef LEDGER_FAULT_ENUM

const char *ledger_fault_text(enum ledger_fault fault);

/*
 * Every invariant: totals equal the sums of the accounts; per asset debits equal credits, posted
 * and pending; what is pending on each account is what open holds reserve; bounds hold; maps
 * and lists agree. One pass over all. STATUS_CORRUPT, and *out_reason (static) is the text of
 * the first fault; STATUS_LIMIT for LEDGER_FAULT_MEMORY.
 */
enum status ledger_check(const struct ledger *ledger, const char **out_reason) MUST_CHECK;

#endif
