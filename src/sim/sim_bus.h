/* sim_bus.h - the bus port in memory, with faults: what is published outlives every crash. */
#ifndef SIM_SIM_BUS_H
#define SIM_SIM_BUS_H

#include "port/bus.h"
#include "sim/process.h"

/*
 * A topic is what the brokers keep. Its calls pass the points STORE_READ (begin), STORE_APPEND and
 * STORE_APPENDED (publish); the faults STORE_UNAVAILABLE, STORE_SLOW, LOST_COMMIT and LOST_REPLY
 * strike in them.
 */
enum { SIM_BUS_LANES = 4 };
struct sim_topic;

struct sim_topic *sim_topic_new(struct world *world, struct faults *faults);
/* No bus may be open. Accepts NULL. */
void sim_topic_free(struct sim_topic *topic);

/* What readers have seen of a lane. The view is good until the next publish. */
uint32_t sim_topic_count(const struct sim_topic *topic, uint32_t lane);
struct bus_event sim_topic_event(const struct sim_topic *topic, uint32_t lane, uint32_t index);

struct bus *sim_bus_open(struct sim_topic *topic, struct process *process);

#endif
