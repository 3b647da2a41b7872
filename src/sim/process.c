/* Counts passes until the one that crashes; a stalled task sleeps while the others go on. */
#include "sim/process.h"

#include "base/check.h"

enum { STALL_MS_MAX = 3000 };

void process_crash(struct process *process, enum sim_point at)
{
    if (process->crashed) return;
    process->crashed = true;
    process->faults->hits[SIM_FAULT_CRASH]++;
    process->faults->crash_points[at]++;
    world_mix(process->world, UINT64_C(0xC4A54) << 32 | at);
    if (process->watcher != NULL) task_wake(process->watcher);
}

static bool crash_is_due(struct process *process, enum sim_point point)
{
    if (process->crash_after == 0 || process->faults->calm) return false;
    if (process->crash_at != SIM_POINT_COUNT && process->crash_at != point) return false;
    process->crash_after--;
    return process->crash_after == 0;
}

bool process_point(struct process *process, enum sim_point point)
{
    CHECK(process != NULL);
    struct world *world = process->world;
    world_mix(world, (uint64_t)process->number << 8 | point);
    if (!process->crashed) {
        process->faults->visits[point]++;
        if (crash_is_due(process, point)) process_crash(process, point);
    }
    if (!process->crashed && fault_strikes(process->faults, SIM_FAULT_STALL)) {
        task_sleep(world,
                   (int64_t)fault_between(process->faults, SIM_FAULT_STALL, 1, STALL_MS_MAX) *
                       NS_PER_MS);
    } else {
        task_yield(world);
    }
    return !process->crashed;
}
