/* sim_entropy.h - bytes nobody inside can predict (port/entropy.h), drawn from the seed. */
#ifndef SIM_SIM_ENTROPY_H
#define SIM_SIM_ENTROPY_H

#include "port/entropy.h"
#include "sim/process.h"

/* Each fill is a scheduling point. Two processes of a world draw from different streams. */
struct sim_entropy {
    struct entropy port; /* first: hand out &sim_entropy.port */
    struct process *process;
    struct prng stream;
};

void sim_entropy_init(struct sim_entropy *entropy, struct process *process);

#endif
