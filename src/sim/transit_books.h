/* transit_books.h - what is between lanes, from what each has made durable, and what must hold of it. */
#ifndef SIM_TRANSIT_BOOKS_H
#define SIM_TRANSIT_BOOKS_H

#include "sim/model_ledger.h"
#include "sim/model_payments.h"
#include "sim/verdict.h"

/*
 * Looks at the twins of all lanes in the moment in which a batch becomes durable in one. It knows
 * every departure, and checks of each step:
 * - nothing arrives that has not left, nor after it was released, nor another amount, nor
 *   elsewhere than where it was meant to; nor does anything come that was not asked for;
 * - nothing is settled that the other lane has not accepted, nor released that it has not
 *   refused, nor with another outcome than that;
 * - on each way, what left, or was asked for, and is not ended is what is pending; what the other
 *   lane has accepted and is not settled is what the two transit accounts differ by, and none of
 *   them has anything else;
 * - what is given back of a payment came to that wallet from who was paid, is on its way by refunds,
 *   or was given by those that ended, and is never more than was taken;
 * - a payment into another lane says at every moment what has become of its money: pending while it
 *   is on its way, taken when it is there, failed, and why, when it is back; and what is left to
 *   capture is reserved.
 */
enum { SIM_LANES_MAX = 4, BOOKS_DEPARTURES_MAX = 1 << 14 };

struct books_departure {
    struct transfer_id id;
    struct transfer_id arrival;
    struct account_id there; /* in the other lane: it gets the money, or gives it */
    struct account_id here;
    struct money amount;
    uint32_t asset;
    uint32_t source;
    uint32_t peer;
    bool comes; /* the peer's money is to come here, for a refund */
    bool accepted;
    bool refused;
    uint8_t refusal; /* outcome of its arrival */
    bool ended;
    struct uuid payment; /* whose money it is; nil: a transfer */
};

struct books_sums {
    uint64_t departures;
    uint64_t accepted;
    uint64_t refused;
    uint64_t withdrawn; /* of the refused ones, those taken back before they had arrived */
    uint64_t settled;
    uint64_t released;
    uint64_t conflicts; /* of the released ones, those whose id the other lane knew otherwise */
    uint64_t compared;  /* pairs of accounts */
    uint64_t captures;  /* parts of payments, into another lane */
    uint64_t payments;  /* whole ones; of both, */
    uint64_t paid;      /* that are there, */
    uint64_t failed;    /* that are back, */
    uint64_t no_wallet; /* those of them that were for no wallet */
    uint64_t refunds;   /* that were to come from another lane, */
    uint64_t refunded;  /* of them, those that came */
    uint64_t unrefunded;
};

struct transit_books {
    struct verdict *verdict;
    const struct model *models[SIM_LANES_MAX];
    const struct model_payments *payments[SIM_LANES_MAX];
    uint32_t lanes;
    uint32_t seen[SIM_LANES_MAX]; /* transfers of each twin */
    struct books_departure *departures;
    uint32_t departure_count;
    uint32_t open; /* not ended */
    struct books_sums sums;
};

/* Stops the program when memory is lacking. */
void transit_books_init(struct transit_books *books, struct verdict *verdict);
void transit_books_done(struct transit_books *books);

/* A batch of the lane is durable, and its twin has it. */
void transit_books_batch(struct transit_books *books, uint32_t lane);

#endif
