/* naive_saga.h - remittances in two steps, with a compensation when the second one fails. */
#ifndef SIM_NAIVE_SAGA_H
#define SIM_NAIVE_SAGA_H

#include "sim/naive_world.h"

/* Starts the saga of a request, which is answered when its first step is done. */
void naive_saga_start(struct naive_world *world, uint32_t request);

#endif
