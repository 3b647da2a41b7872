/* naive_chain.h - a public chain with reorganisations, and the naive wallet's watcher of it. */
#ifndef SIM_NAIVE_CHAIN_H
#define SIM_NAIVE_CHAIN_H

#include "sim/naive_world.h"

/* Deposits of the plan reach the chain at their times. */
void naive_chain_start(struct naive_world *world);
/* A withdrawal that the ledger has as `tx` is sent. */
void naive_chain_send(struct naive_world *world, uint32_t op, uint32_t tx);

#endif
