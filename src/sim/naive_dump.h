/* naive_dump.h - the naive wallet's tables as they stand when the evidence is collected. */
#ifndef SIM_NAIVE_DUMP_H
#define SIM_NAIVE_DUMP_H

#include "sim/naive_world.h"

/* Ledger, balances, holds and the write-ahead log. */
void naive_dump(struct naive_world *world);

#endif
