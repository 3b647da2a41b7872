/* process.h - a simulated process: what a crash ends, wherever it is. */
#ifndef SIM_PROCESS_H
#define SIM_PROCESS_H

#include "sim/fault.h"

/*
 * Every call of a port goes through process_point(), which is a scheduling point and may be
 * where the process crashes. From the crash on, no call of its ports has an effect on what
 * outlives it: each fails as its header allows, so that the process's tasks run to their end
 * and its memory is freed as in a shutdown, seen by nobody.
 */
struct process {
    struct world *world;
    struct faults *faults;
    uint32_t number;
    bool crashed;
    struct task *watcher;    /* woken by the crash; may be NULL */
    enum sim_point crash_at; /* SIM_POINT_COUNT: at any point */
    uint64_t crash_after;    /* passes of that point; 0: never */
};

/*
 * A scheduling point of the caller. False: the process has crashed, now or before, and the
 * call must have no effect.
 */
bool process_point(struct process *process, enum sim_point point);
/* Ends it now: no point after this has an effect. */
void process_crash(struct process *process, enum sim_point at);

#endif
