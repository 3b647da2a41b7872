/* payment_run.h - a seed of the payments workload: customers, sagas, a PSP, and how it all ends. */
#ifndef SIM_PAYMENT_RUN_H
#define SIM_PAYMENT_RUN_H

#include "sim/report.h"

/* Builds a world, runs it to its end, checks it, and adds it to the report. */
void payment_seed_run(const struct sim_options *options, uint64_t seed, struct report *report);

#endif
