/* lanes_run.h - a seed of several lanes: begun, run, brought to its end, and reported. */
#ifndef SIM_LANES_RUN_H
#define SIM_LANES_RUN_H

#include "sim/report.h"

void lanes_seed_run(const struct sim_options *options, uint64_t seed, struct report *report);

#endif
