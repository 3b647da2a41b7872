/* sim_clock.h - virtual time as a clock (port/clock.h) whose wall side can step both ways. */
#ifndef SIM_SIM_CLOCK_H
#define SIM_SIM_CLOCK_H

#include "port/clock.h"
#include "sim/process.h"

/* The wall clock of a machine: what its processes share, and what outlives them. */
struct sim_wall {
    int64_t offset_ns; /* wall minus virtual time */
};

/*
 * Readings are scheduling points. Faults strike on wall readings: CLOCK_FORWARD (up to
 * CLOCK_JUMP_S_MAX), CLOCK_BACK (up to a day), CLOCK_JUMP (beyond CLOCK_JUMP_S_MAX, seldom
 * beyond CLOCK_GAP_START_S_MAX).
 */
struct sim_clock {
    struct clock port; /* first: hand out &sim_clock.port */
    struct process *process;
    struct sim_wall *wall;
};

void sim_clock_init(struct sim_clock *clock, struct process *process, struct sim_wall *wall);

/* What the wall clock shows, without being a scheduling point. */
struct wall_time sim_wall_now(const struct sim_wall *wall, const struct world *world);

#endif
