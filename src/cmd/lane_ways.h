/* lane_ways.h - ways between the lanes of a ledger that are open in this process. */
#ifndef CMD_LANE_WAYS_H
#define CMD_LANE_WAYS_H

#include <stdatomic.h>

#include "model/lane_map.h"
#include "wallet/transit.h"

/* To a lane of this process: until it is open, a call is not done (STATUS_UNAVAILABLE). */
struct lane_way {
    struct transit_link port; /* first */
    _Atomic(struct lane *) target;
};

/* Stays where it is. */
struct lane_ways {
    struct lane_way list[LANES_MAX];
    struct transit_link *ports[LANES_MAX]; /* by lane: for host_options.links */
};

void lane_ways_init(struct lane_ways *ways);
/* The lane is open. It outlives the workers that go these ways (host_ways_stop()). */
void lane_ways_open(struct lane_ways *ways, uint32_t number, struct lane *lane);

#endif
