/* Two calls that the kernel answers without a system call. */
#include "adapter/system_clock.h"

#include <time.h>

#include "base/check.h"

static int64_t clock_read_ns(clockid_t id)
{
    struct timespec now;
    int error = clock_gettime(id, &now);
    CHECK(error == 0);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static struct wall_time system_wall(struct clock *clock)
{
    CHECK(clock != NULL);
    int64_t ns = clock_read_ns(CLOCK_REALTIME);
    return (struct wall_time){ ns > 0 ? ns : 0 };
}

static struct monotonic_time system_monotonic(struct clock *clock)
{
    CHECK(clock != NULL);
    return (struct monotonic_time){ clock_read_ns(CLOCK_MONOTONIC) };
}

struct clock *system_clock(void)
{
    static struct clock clock = { .wall = system_wall, .monotonic = system_monotonic };
    return &clock;
}
