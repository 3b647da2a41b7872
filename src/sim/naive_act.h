/* naive_act.h - what the naive wallet does about a request that it has let in. */
#ifndef SIM_NAIVE_ACT_H
#define SIM_NAIVE_ACT_H

#include "sim/naive_world.h"

/* Does what the op of this request asks for; the request is answered then or later. */
void naive_act(struct naive_world *world, uint32_t request);

/* Captures what an op has held; by whoever delivered the goods. */
void naive_act_capture(struct naive_world *world, uint32_t op, uint32_t hold);

/* What a euro is in dollars at a time of the case: amount = source * num / den. */
void naive_rate(const struct naive_world *world, int64_t at_us, int64_t *out_num, int64_t *out_den);

#endif
