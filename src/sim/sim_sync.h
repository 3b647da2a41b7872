/* sim_sync.h - tasks and monitors (port/sync.h) as coroutines of a simulated process. */
#ifndef SIM_SIM_SYNC_H
#define SIM_SIM_SYNC_H

#include "port/sync.h"
#include "sim/process.h"

/*
 * lock, wait, spawn and join are scheduling points; unlock and wake_all are not. Faults:
 * SPURIOUS_WAKE, SPAWN_FAILS, STALL. After a crash waiting goes on as before: the tasks of a
 * dead process end because its other ports fail and its owner closes it.
 */
struct sim_sync {
    struct sync port; /* first: hand out &sim_sync.port */
    struct process *process;
    uint32_t monitor_count; /* not yet freed */
};

void sim_sync_init(struct sim_sync *sync, struct process *process);
/* CHECKs that every monitor was freed. */
void sim_sync_done(struct sim_sync *sync);

#endif
