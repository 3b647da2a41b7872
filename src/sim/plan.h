/* plan.h - what a seed is like: its faults and their rates, its clients, its limits. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "sim/crowd.h"

struct plan {
    uint32_t rates[SIM_FAULT_COUNT];
    struct crowd_profile profile;
    struct lane_options options;
    uint64_t calm_after_steps; /* then faults stop, and everything must come to its end */
};

/* Drawn from the seed: some faults are off, some are rare, some are frequent. */
void plan_make(const struct world *world, struct plan *out_plan);
/* For the workload of payments: with the faults of the PSP, too. */
void plan_make_payments(const struct world *world, struct plan *out_plan);
/* For one lane of several: with the faults of what is between them. */
void plan_make_lanes(const struct world *world, uint32_t lane, struct plan *out_plan);

#endif
