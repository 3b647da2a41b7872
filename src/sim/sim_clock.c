/* Wall time is virtual time plus an offset; steps change the offset. */
#include "sim/sim_clock.h"

#include "base/check.h"
#include "base/limits.h"

static struct sim_clock *from_port(struct clock *port)
{
    return (struct sim_clock *)port;
}

static void step_maybe(struct faults *faults, struct sim_wall *wall)
{
    if (fault_strikes(faults, SIM_FAULT_CLOCK_FORWARD)) {
        wall->offset_ns +=
            (int64_t)fault_between(faults, SIM_FAULT_CLOCK_FORWARD, 1, CLOCK_JUMP_S_MAX - 20) *
            NS_PER_S;
    }
    if (fault_strikes(faults, SIM_FAULT_CLOCK_BACK)) {
        wall->offset_ns -=
            (int64_t)fault_between(faults, SIM_FAULT_CLOCK_BACK, 1, 86400 * 1000) * NS_PER_MS;
    }
    if (fault_strikes(faults, SIM_FAULT_CLOCK_JUMP)) {
        bool beyond_start = fault_between(faults, SIM_FAULT_CLOCK_JUMP, 0, 3) == 0;
        uint64_t longest_s = beyond_start ? 2 * CLOCK_GAP_START_S_MAX : 2 * 86400;
        wall->offset_ns +=
            (int64_t)fault_between(faults, SIM_FAULT_CLOCK_JUMP, CLOCK_JUMP_S_MAX + 60, longest_s) *
            NS_PER_S;
    }
}

struct wall_time sim_wall_now(const struct sim_wall *wall, const struct world *world)
{
    return (struct wall_time){ wall->offset_ns + world_now(world).ns };
}

static struct wall_time sim_clock_wall(struct clock *port)
{
    struct sim_clock *clock = from_port(port);
    struct process *process = clock->process;
    if (process_point(process, SIM_POINT_CLOCK_READ)) step_maybe(process->faults, clock->wall);
    return sim_wall_now(clock->wall, process->world);
}

static struct monotonic_time sim_clock_monotonic(struct clock *port)
{
    struct process *process = from_port(port)->process;
    (void)process_point(process, SIM_POINT_CLOCK_READ); /* a dead process may know the time */
    return world_now(process->world);
}

void sim_clock_init(struct sim_clock *clock, struct process *process, struct sim_wall *wall)
{
    CHECK(wall->offset_ns > NS_PER_DAY); /* so that no step leads before 1970 */
    *clock = (struct sim_clock){
        .port = { .wall = sim_clock_wall, .monotonic = sim_clock_monotonic },
        .process = process,
        .wall = wall,
    };
}
