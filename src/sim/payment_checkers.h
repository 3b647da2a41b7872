/* payment_checkers.h - what must hold of answers about payments, and of where all of them end. */
#ifndef SIM_PAYMENT_CHECKERS_H
#define SIM_PAYMENT_CHECKERS_H

#include "sim/asking.h"
#include "sim/sim_psp.h"

/*
 * In the moment of an answer to a command, as checkers.h: it stands in the durable journal, and
 * under its key it is the same for everybody and for ever; no two callers are told that they
 * did it.
 */
void check_payment(struct asking *asking);
/* "Not done": no record of it is durable in this moment, and none will be. */
void check_payment_undone(struct asking *asking);
void check_payment_abandoned(struct service *service, const struct question *question);

/*
 * READ_PAYMENTS shows the open ones as they were at that moment, and of the others the newest
 * record.
 */
const char *payments_read_fault(const struct asking *asking, struct position at);

/* ---- At the end, when nothing is under way ---- */

/* MANUAL with a reason that nobody but a person can resolve: the list is in the .c. */
bool payment_manual_excused(const struct payment *payment);
/* Of each payment: it rests where the PSP's books say that it has to; its sums add up. */
void check_payments_at_rest(struct service *service, struct sim_acquirer *acquirer);
/* The wallet's accounts with the PSP, and the PSP's books, to the minor unit. */
void check_books(struct service *service, struct sim_acquirer *acquirer);

#endif
