/* naive_psp.h - the payment service provider: captures, refunds, disputes, settlement, events. */
#ifndef SIM_NAIVE_PSP_H
#define SIM_NAIVE_PSP_H

#include "sim/naive_world.h"

/* A payment of the request's op: our row, the call, and what the PSP does about it. */
void naive_psp_charge(struct naive_world *world, uint32_t request);
/* A refund that our ledger has as `tx`. */
void naive_psp_refund(struct naive_world *world, uint32_t op, const char *psp_ref, const char *tx);
/* Disputes, forged webhooks and settlement, at their times. */
void naive_psp_start(struct naive_world *world);
/* Its statement: every line, payout and the contract. */
void naive_psp_dump(struct naive_world *world);

#endif
