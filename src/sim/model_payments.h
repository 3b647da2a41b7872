/* model_payments.h - the naive twin of payments: every record they have, and what it must say. */
#ifndef SIM_MODEL_PAYMENTS_H
#define SIM_MODEL_PAYMENTS_H

#include "base/id_map.h"
#include "model/psp.h"
#include "model/record.h"
#include "sim/verdict.h"

/*
 * Fed with the durable journal (sim/model_journal.h), in order. Checks, of every record: that it
 * goes on from the payment's record before it, with the next version; that the move is in the
 * table; that a refusal changes nothing; that no key is used up twice; that it tells others
 * exactly when they would see a difference. And after every unit: that what the payment says
 * was taken is what its transfers have moved, and that no more was given back than was taken.
 *
 * It does not decide anew what a command comes to: what is right is known from outside, by
 * the books of the PSP.
 */
enum {
    MODEL_PAYMENTS_MAX = 1 << 13,
    MODEL_ANSWERS_MAX = 1 << 15,
    MODEL_PARTIES_MAX = 8, /* accounts that the transfers of one payment touch */
};

/* What a payment's transfers have moved on an account: credits less debits, posted. */
struct model_party {
    struct account_id account;
    __int128 net;
};

struct model_payment {
    struct uuid id; /* first: what the map finds it by */
    struct payment newest;
    struct locator newest_at;
    struct position newest_of; /* the unit that wrote it */
    uint8_t outcome;           /* of its creation */
    uint32_t first_answers;    /* without a key: who were told that they made it, at most one */
    uint64_t *images;          /* hashes of all that it ever was */
    uint32_t image_count;
    uint32_t image_room;
    struct model_party parties[MODEL_PARTIES_MAX];
    uint32_t party_count;
    uint32_t reversals;
    struct position touched; /* the unit that was last about it */
};

/* What the first command under a key came to: the answer for ever. */
struct model_answer {
    struct uuid key;
    struct uuid fingerprint;
    uint64_t hash;
    struct position position;
    uint8_t outcome;
    uint8_t ledger_outcome;
    uint32_t first_answers; /* how many were told that they did it: at most one */
};

struct model_event {
    struct position position;
    struct uuid payment;
    uint8_t state;
};

struct model_payments {
    struct verdict *verdict;
    struct model_payment *payments;
    uint32_t payment_count;
    struct id_map map;
    struct model_answer *answers;
    uint32_t answer_count;
    struct id_map answer_map;
    struct model_event *events; /* that the feed has to give, in order */
    uint32_t event_count;
    uint32_t event_room;
    uint32_t touched[8]; /* places of payments with a record in the unit in hand */
    uint32_t touched_count;
    struct position unit;
    uint64_t moves;
    uint64_t causes[PAYMENT_CAUSE_END];
    uint64_t outcomes[PAYMENT_OUTCOME_COUNT];
    uint64_t kinds[PAYMENT_KIND_END];
    uint64_t states[PAYMENT_STATE_END];
    uint64_t answered[PSP_ANSWER_END];
};

/* Stops the program when memory is lacking; so does everything that adds. */
struct model_payments *model_payments_new(struct verdict *verdict);
/* Accepts NULL. */
void model_payments_free(struct model_payments *twin);

/* Where a record stands in the durable journal. */
struct model_payment_place {
    struct locator locator;
    struct position position;
};

/* A record of a payment with its context, and a transfer that was applied. */
void model_payments_record(struct model_payments *twin, const struct record_payment *record,
                           const struct record_context *context, struct model_payment_place where);
void model_payments_transfer(struct model_payments *twin, const struct record_transfer *record);
/* The batch is over: the last unit in it too. */
void model_payments_batch_end(struct model_payments *twin);

/* NULL when there is none. */
struct model_payment *model_payments_find(const struct model_payments *twin, struct uuid id);
struct model_answer *model_payments_answer(const struct model_payments *twin, struct uuid key);
/* Whether a payment ever stood so. */
bool model_payment_stood(const struct model_payment *payment, const struct payment *image);
/* Whether the intent to send this is durable. */
bool model_payments_expects(const struct model_payments *twin, const struct psp_order *order);

uint64_t model_payment_hash(const struct payment *payment);

#endif
