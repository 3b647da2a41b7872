/* decide.h - payments: from a payment, a command and the facts to an after-image and transfers. */
#ifndef PAYMENT_DECIDE_H
#define PAYMENT_DECIDE_H

#include "model/account.h"
#include "model/lane_map.h"
#include "model/payment.h"
#include "model/transfer.h"

/*
 * Pure: decides, changes nothing. The caller looks up what is asked for in `payment_facts`, lets
 * the ledger apply the transfers as one linked group, and journals the after-images with them
 * in one unit. When the ledger refuses, payment_decide_refused() says what becomes of it then.
 *
 * Every move is checked against payment_moves().
 */
enum {
    PAYMENT_TRANSFERS_MAX = 4,
    /* A pending answer is asked after for so long before a person has to look. */
    PAYMENT_WAIT_DAYS_MAX = 30,
    PAYMENT_QUOTE_S = 60, /* how long a quote's rate is locked unless the caller says less */
};

struct payment_facts {
    struct lane_part part;        /* of the lane that decides: its chart is the one that is used */
    struct wall_time stamp;       /* of the batch */
    struct uuid root;             /* ids of transfers derive from it, from `step` 1 on */
    const struct payment *parent; /* REFUND, CHARGEBACK: NULL when there is none */
    const struct account *wallet; /* the accounts named; NULL when there is none */
    const struct account *counter;
    bool chart;              /* the chart of the asset (and, for an EXCHANGE, of both) is made */
    uint64_t rate_numerator; /* EXCHANGE: 0 when there is none */
    uint64_t rate_denominator;
    uint32_t slot; /* the place that an opened payment gets, or PAYMENT_SLOT_NONE */
};

struct payment_decision {
    enum payment_outcome outcome;
    struct payment payment; /* after; before when the outcome is not OK */
    bool parent_changed;
    struct payment parent; /* after */
    struct transfer transfers[PAYMENT_TRANSFERS_MAX];
    uint32_t transfer_count;
};

/* before: NULL when there is no payment with this id. The command has passed payment_fault(). */
void payment_decide(const struct payment *before, const struct payment_command *command,
                    const struct payment_facts *facts, struct payment_decision *out_decision);

/*
 * The ledger refused the transfers of `decision` with this outcome. Where money has moved at
 * the PSP, out_decision brings it into suspense for a person to look at; else the payment fails, or the command is refused.
 */
void payment_decide_refused(const struct payment *before, const struct payment_command *command,
                            const struct payment_facts *facts, enum outcome refusal,
                            struct payment_decision *out_decision);

/*
 * The ledger refused what payment_decide_refused() came to as well (an account of the chart is
 * frozen or missing): nothing is booked, and the PSP is asked again later; an arrival is refused.
 */
void payment_decide_unbooked(const struct payment *before, const struct payment_command *command,
                             const struct payment_facts *facts, enum outcome refusal,
                             struct payment_decision *out_decision);

/* The accounts that a draft moves money between; those of a REFUND follow from its parent. */
struct payment_accounts {
    struct account_id wallet;
    struct account_id counter;
};
struct payment_accounts payment_accounts(const struct payment *draft, const struct payment *parent);

/* What a worker has to do for a payment that is due. */
enum payment_call {
    PAYMENT_CALL_NONE,  /* nothing at a PSP: its time has passed */
    PAYMENT_CALL_ORDER, /* send the step */
    PAYMENT_CALL_QUERY, /* ask what became of it */
};
enum payment_call payment_next_call(const struct payment *payment, struct wall_time now,
                                    uint32_t key_window_ms, uint32_t call_ms_max);

#endif
