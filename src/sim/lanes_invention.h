/* lanes_invention.h - makes up what the clients of one lane ask, much of it for another lane. */
#ifndef SIM_LANES_INVENTION_H
#define SIM_LANES_INVENTION_H

#include "sim/lanes_stage.h"

/* For struct crowd, whose owner is the struct lane_side. */
struct question *invent_lanes(struct crowd *crowd, struct prng *prng);
struct question *invent_lanes_opening(struct crowd *crowd, struct prng *prng);

#endif
