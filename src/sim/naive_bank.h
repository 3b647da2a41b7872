/* naive_bank.h - bank accounts, their statements, payouts to customers, and the import of it all. */
#ifndef SIM_NAIVE_BANK_H
#define SIM_NAIVE_BANK_H

#include "sim/naive_world.h"

/* What the PSP pays out reaches the bank: gross, fee, refunds, disputes. */
void naive_bank_payout(struct naive_world *world, enum naive_asset asset, const int64_t sums[4]);
/* The nightly jobs that deal with the bank. */
void naive_bank_start(struct naive_world *world);
/* Statements as the bank has them. */
void naive_bank_dump(struct naive_world *world);

#endif
