/* serve_behind.h - what a server keeps behind the journal of each lane: events on a bus, SQL tables, a cache. */
#ifndef CMD_SERVE_BEHIND_H
#define CMD_SERVE_BEHIND_H

#include "cmd/serve_bus.h"
#include "cmd/serve_cache.h"
#include "cmd/serve_projection.h"
#include "model/lane_map.h"

/* By lane; each with connections of its own, and run by whoever owns the lane. Zeroed: nothing. */
struct serve_behind {
    uint32_t lanes;
    struct serve_bus bus[LANES_MAX];
    struct serve_cache cache[LANES_MAX];
    struct serve_projection projection[LANES_MAX];
};

/*
 * From the options of the three, for so many lanes; groups of consumers are watched by lane 0's
 * owner, for all partitions. As serve_bus_open() and the others; to be closed either way.
 */
enum status serve_behind_open(const struct invocation *invocation, uint32_t lanes,
                              struct serve_behind *out_behind, struct error *out_error) MUST_CHECK;
/* When nothing of it runs. Accepts a zeroed struct. */
void serve_behind_close(struct serve_behind *behind);

#endif
