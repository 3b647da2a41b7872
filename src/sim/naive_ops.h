/* naive_ops.h - what operators, hosts and keys of the naive wallet go through. */
#ifndef SIM_NAIVE_OPS_H
#define SIM_NAIVE_OPS_H

#include "sim/naive_world.h"

/* Deploys, rotations, checks, and the troubles among the faults that come at one moment. */
void naive_ops_start(struct naive_world *world);
/* Certificates, rates and settings, as they stand at the end. */
void naive_ops_dump(struct naive_world *world);

#endif
