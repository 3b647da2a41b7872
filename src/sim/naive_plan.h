/* naive_plan.h - what everybody wants of the naive wallet: fixed by the seed before anything starts. */
#ifndef SIM_NAIVE_PLAN_H
#define SIM_NAIVE_PLAN_H

#include "sim/naive_world.h"

/* Fills the ops of a world that has none: the same for a run and its twin. */
void naive_plan_make(struct naive_world *world);

#endif
