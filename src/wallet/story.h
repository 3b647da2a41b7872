/* story.h - everything the journal knows of a payment: its units in causal order, and what is missing. */
#ifndef WALLET_STORY_H
#define WALLET_STORY_H

#include "model/record.h"
#include "port/store.h"
#include "wallet/lane.h"

/*
 * A payment's records are a chain; each unit holds with it the transfers that it moved, who asked
 * for it, in which trace, and the other payment that moved with it. So the story needs no index
 * and no log: it is in the journal, whole, or it is damaged and says so.
 *
 * Reads the store on the caller's task and sees only what is durable.
 */
enum {
    STORY_UNITS_MAX = 512,   /* of one payment; older ones are left out and counted */
    STORY_TRANSFERS_MAX = 8, /* of one unit: those of a decision and of its refusal */
};

/* An account behind a transfer: see story_balances.h. */
struct story_side {
    struct balance balance;
    uint16_t kind; /* enum account_kind: which of its sides counts up */
    bool known;
};

struct story_transfer {
    struct locator locator;
    struct record_transfer record;
    struct record_transfer_more more; /* zero when it has none */
    struct story_side debit_after;    /* not known until story_balances() */
    struct story_side credit_after;
};

struct story_unit {
    struct locator locator;
    struct position position;
    struct wall_time stamp;
    struct record_context context;
    struct record_payment record;
    struct payment_id other; /* the refund, chargeback or parent that moved in the same unit */
    bool tells; /* the unit is an event (wallet/event.h), which has its position as id ... */
    uint8_t tells_state; /* ... and payment.STATE as type: of the payment that moved the others */
    uint32_t transfer_count;
    struct story_transfer transfers[STORY_TRANSFERS_MAX];
};

struct story {
    struct story_unit *units; /* room for STORY_UNITS_MAX is the caller's; oldest first */
    uint32_t count;
    uint64_t left_out; /* older ones than those */
};

/*
 * newest is the payment's newest record (READ_PAYMENTS). STATUS_NOT_FOUND: there is no payment
 * there. STATUS_CORRUPT names the place where the chain breaks. STATUS_UNAVAILABLE.
 */
enum status story_read(struct store *store, struct locator newest, struct story *story,
                       struct error *out_error) MUST_CHECK;

/* What should have happened by a time, and is not there. */
struct story_gap {
    const char *what;        /* static: a stable code */
    const char *sentence;    /* static */
    struct wall_time due_by; /* when it should have been there */
};

enum {
    STORY_GAPS_MAX = 8,
    STORY_ANSWER_S = 60,     /* a step is answered, or asked after, within; another lane decides */
    STORY_WEBHOOK_S = 5,     /* what a PSP has told when asked, it tells by webhook within */
    STORY_SETTLED_DAYS = 3,  /* money at a PSP is at the bank within */
    STORY_PERSON_HOURS = 24, /* a person has looked within */
};

/* Pure. Returns how many were written. */
uint32_t story_gaps(const struct story *story, struct wall_time now,
                    struct story_gap out_gaps[STORY_GAPS_MAX]);

#endif
