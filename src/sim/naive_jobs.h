/* naive_jobs.h - what runs by the clock: interest, expired holds, a migration. */
#ifndef SIM_NAIVE_JOBS_H
#define SIM_NAIVE_JOBS_H

#include "sim/naive_world.h"

void naive_jobs_start(struct naive_world *world);

#endif
