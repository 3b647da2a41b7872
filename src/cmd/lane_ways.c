#include "cmd/lane_ways.h"

#include "base/check.h"

static enum status link_run(struct transit_link *port, struct request *request)
{
    struct lane_way *link = (struct lane_way *)port;
    struct lane *lane = atomic_load(&link->target);
    return lane == NULL ? STATUS_UNAVAILABLE : lane_run(lane, request);
}

void lane_ways_init(struct lane_ways *ways)
{
    for (uint32_t i = 0; i < LANES_MAX; i++) {
        ways->list[i].port.run = link_run;
        atomic_init(&ways->list[i].target, NULL);
        ways->ports[i] = &ways->list[i].port;
    }
}

void lane_ways_open(struct lane_ways *ways, uint32_t number, struct lane *lane)
{
    CHECK(number < LANES_MAX);
    atomic_store(&ways->list[number].target, lane);
}
