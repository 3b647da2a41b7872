/* Each look is compared with the one before, so that slow drift is never taken for a jump. */
#include "wallet/clock_watch.h"

#include "base/limits.h"

void clock_watch_begin(struct clock_watch *watch, struct clock *clock)
{
    watch->wall = clock_wall(clock);
    watch->monotonic = clock_monotonic(clock);
}

bool clock_watch_jumped(struct clock_watch *watch, struct clock *clock, struct wall_time *out_wall)
{
    struct clock_watch before = *watch;
    clock_watch_begin(watch, clock);
    *out_wall = watch->wall;
    int64_t wall_ns = watch->wall.ns - before.wall.ns;
    int64_t monotonic_ns = watch->monotonic.ns - before.monotonic.ns;
    return wall_ns - monotonic_ns > CLOCK_JUMP_S_MAX * NS_PER_S;
}
