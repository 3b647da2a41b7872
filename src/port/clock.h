/* clock.h - what time it is: wall clock for records, monotonic for durations. */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

#include "base/time.h"

/*
 * Any thread; returns at once; cannot fail. wall may step in both directions, and a caller
 * must expect it; monotonic never goes back.
 */
struct clock {
    struct wall_time (*wall)(struct clock *clock);
    struct monotonic_time (*monotonic)(struct clock *clock);
};

static inline struct wall_time clock_wall(struct clock *clock)
{
    return clock->wall(clock);
}
static inline struct monotonic_time clock_monotonic(struct clock *clock)
{
    return clock->monotonic(clock);
}

#endif
