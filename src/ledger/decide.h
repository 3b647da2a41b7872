/* decide.h - transfers and expiries: from a request and the state to an outcome and a record. */
#ifndef LEDGER_DECIDE_H
#define LEDGER_DECIDE_H

#include "ledger/ledger.h"

/*
 * What history says of a transfer's target: filled by the caller for REVERSAL always, and for
 * POST and VOID when ledger_needs_target() says so.
 */
struct ledger_target {
    bool found;
    struct transfer_view view;
    uint8_t closed_by; /* for holds: the kind of the record that closed it, or 0 */
};

bool ledger_needs_target(const struct ledger *ledger, const struct transfer *transfer);

/* What ledger_undo() needs to take a transfer back; opaque to callers. */
struct ledger_undo {
    uint32_t debit;
    uint32_t credit;
    uint32_t hold_place;
    bool hold_made;
    bool hold_changed;
    bool hold_removed;
    bool reversal_made;
    uint32_t reversal;
    struct hold hold; /* before */
    struct locator debit_entry;
    struct locator credit_entry;
};

/*
 * Decides, and on OUTCOME_OK applies. The record, with its `more` right behind it for the long
 * form (transfer_is_long()), is written whatever the outcome, all but its head's size, unit,
 * context and check. The transfer must have passed transfer_fault() and have an id; target may
 * be NULL when it is not needed. Outcomes are given in the order of OUTCOME_TABLE; ID_CONFLICT
 * and LINKED_FAILED are the caller's to find. out_undo is written only on OUTCOME_OK.
 *
 * What the table leaves open: VOID looks at no state of the accounts and at no period. A hold
 * counts as expired from its time on, swept or not. A bound is checked where something new is
 * posted or reserved, so by DIRECT, HOLD and REVERSAL, against what is posted and pending.
 * Fully reversed is AMOUNT_OVER_REVERSIBLE, also for "all". AMOUNT_OVERFLOW is given when the
 * debits of all accounts of the asset together, posted and pending, would pass 128 bits.
 */
enum outcome ledger_transfer(struct ledger *ledger, struct ledger_moment moment,
                             const struct transfer *transfer, const struct ledger_target *target,
                             struct record_transfer *out_record, struct ledger_undo *out_undo);

/* Writes the record of a refusal that was found elsewhere; nothing is decided or changed. */
void ledger_refuse(struct ledger_moment moment, const struct transfer *transfer,
                   enum outcome outcome, struct record_transfer *out_record);

/* Takes back the newest transfer that was applied and not yet taken back. */
void ledger_undo(struct ledger *ledger, struct transfer_view view, const struct ledger_undo *undo);

/*
 * Whether a hold expires at or before the stamp; if so releases the first that does and writes
 * its EXPIRE record: long form, with a nil id and the hold as target.
 */
bool ledger_expire(struct ledger *ledger, struct ledger_moment moment,
                   struct record_transfer *out_record);

/* When the first open hold expires; 0 when none does. */
struct wall_time ledger_next_expiry(const struct ledger *ledger);

#endif
