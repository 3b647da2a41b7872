/* payment_invention.h - makes up what customers ask of payments, and of the accounts they need. */
#ifndef SIM_PAYMENT_INVENTION_H
#define SIM_PAYMENT_INVENTION_H

#include "sim/crowd.h"

enum { PAYMENT_WALLETS = 6 }; /* of each asset */

/* The chart of accounts for two assets, their wallets, and a wallet of a third without chart. */
struct question *invent_payment_opening(struct crowd *crowd, struct prng *prng);
/*
 * As invent(): a payment of any kind, a move of one that is there, an act of the operator, or
 * something asked before. Most of it means something.
 */
struct question *invent_payment(struct crowd *crowd, struct prng *prng);

/* A wallet; which is 0 to PAYMENT_WALLETS - 1. */
struct account_id payment_wallet(uint32_t asset, uint64_t which);

#endif
