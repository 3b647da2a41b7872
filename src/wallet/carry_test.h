/* carry_test.h - for tests: a worker on a lane of lane_test.h, run by whoever starts it for a while. */
#ifndef WALLET_CARRY_TEST_H
#define WALLET_CARRY_TEST_H

#include "wallet/lane_test.h"

static inline enum status inline_spawn(struct sync *sync, const char *name,
                                       void (*body)(void *argument), void *argument,
                                       struct task **out_task)
{
    (void)sync;
    (void)name;
    *out_task = NULL;
    body(argument);
    return STATUS_OK;
}

static inline void inline_join(struct task *task)
{
    assert_null(task); /* it has ended */
}

/* The worker's clock: when it shows a time, the worker's lane has been drained. */
struct ending_clock {
    struct clock port; /* first */
    struct bench *bench;
    int64_t ends_ns;
    bool ended;
};

struct ending {
    struct bench_sync sync;
    struct ending_clock clock;
};

static inline struct wall_time ending_wall(struct clock *clock)
{
    return clock_wall(&((struct ending_clock *)clock)->bench->clock.port);
}

static inline struct monotonic_time ending_monotonic(struct clock *clock)
{
    struct ending_clock *ending = (struct ending_clock *)clock;
    struct monotonic_time now = clock_monotonic(&ending->bench->clock.port);
    if (now.ns < ending->ends_ns || ending->ended) return now;
    ending->ended = true;
    lane_drain(ending->bench->lane);
    return now;
}

/* The ports of a worker that has so long to live; the lane has another life behind it. */
static inline struct lane_ports ending_ports(struct ending *ending, struct bench *bench,
                                             int64_t life_s)
{
    int64_t ends_ns = bench->monotonic_ns + life_s * NS_PER_S;
    ending->sync = bench->sync;
    ending->sync.port.spawn = inline_spawn;
    ending->sync.port.join = inline_join;
    ending->clock =
        (struct ending_clock){ { ending_wall, ending_monotonic }, bench, ends_ns, false };
    return (struct lane_ports){ .store = &bench->store.port,
                                .clock = &ending->clock.port,
                                .entropy = &bench->entropy.port,
                                .sync = &ending->sync.port,
                                .log = &bench->log.port };
}

#endif
