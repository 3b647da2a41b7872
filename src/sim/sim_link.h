/* sim_link.h - the way from a life of one lane to another lane: slow, late, or lost both ways. */
#ifndef SIM_SIM_LINK_H
#define SIM_SIM_LINK_H

#include "sim/lanes_stage.h"
#include "wallet/transit.h"

/*
 * What it hands over is asked as a client would (sim/asking.h), so that every answer of the other
 * lane is held against its twin. A call that is late outlives the life that made it.
 */
struct sim_link {
    struct transit_link port; /* first */
    struct life *life;
    struct lane_side *from;
    struct lane_side *to;
};

void sim_link_init(struct sim_link *link, struct life *life, struct lane_side *from,
                   struct lane_side *to);

#endif
