/* settlement.h - a PSP's daily statement, booked line by line: what was owed is at the bank. */
#ifndef WALLET_SETTLEMENT_H
#define WALLET_SETTLEMENT_H

#include "port/psp.h"
#include "wallet/lane.h"

/*
 * Each line is one unit, under an idempotency key made of PSP and line id: booking a day twice,
 * or going on after a crash, books each line once; what the ledger refused is tried anew. A line that names a payment of ours moves
 * its gross between clearing and bank and its fee to the fees. A line that names none, or one of
 * another PSP, in another asset, or in a state that knows no such line, is booked too, since the
 * bank has the money: against suspense, for a person to look at.
 *
 * Of a ledger with several lanes each books what is its own: lines whose reference is of its
 * payments, known ones or not; and lane 0 all that is of nobody's.
 */
struct settlement_options {
    struct psp *psp;
    struct business_date day;
    struct principal_id principal; /* who asked for it */
    struct trace trace;
    uint32_t route;
    /* A line that could not be booked to a payment, or was refused; may be NULL. */
    void (*odd)(void *context, const struct psp_line *line, const char *reason);
    void *context;
};

struct settlement_report {
    uint64_t lines;     /* of this lane */
    uint64_t elsewhere; /* of other lanes: not looked at */
    uint64_t booked;    /* to payments, now */
    uint64_t repeated;  /* had been booked before */
    uint64_t unmatched; /* booked against suspense, now */
    uint64_t refused;   /* not booked: see odd() */
};

/*
 * On the caller's task; the lines that were booked stay booked whatever is returned.
 * STATUS_NOT_FOUND: the PSP has not made this day's statement. STATUS_INVALID: it is none.
 * STATUS_UNAVAILABLE, STATUS_LIMIT, STATUS_IN_DOUBT, STATUS_STOPPED: ask again.
 */
enum status settlement_run(struct lane *lane, const struct settlement_options *options,
                           struct settlement_report *out_report, struct error *out_error)
    MUST_CHECK;

#endif
