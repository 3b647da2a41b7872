/* sync_test.h - for tests: sync and clock in memory, for what the test steps without tasks. */
#ifndef PORT_SYNC_TEST_H
#define PORT_SYNC_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/clock.h"
#include "port/sync.h"

enum { STEPPED_MONITORS = 4 };

/* What the port calls a struct monitor. Nobody else runs, so whoever waits would wait for ever. */
struct stepped_monitor {
    bool taken;
    bool held;
};

struct stepped_sync {
    struct sync port; /* first */
    struct stepped_monitor monitors[STEPPED_MONITORS];
};

struct stepped_clock {
    struct clock port; /* first */
    int64_t now_ns;    /* monotonic */
    int64_t wall_ahead_ns;
};

static inline struct stepped_monitor *stepped_monitor(struct monitor *monitor)
{
    return (struct stepped_monitor *)(void *)monitor;
}

static inline struct monitor *stepped_monitor_new(struct sync *port, const char *name)
{
    struct stepped_sync *sync = (struct stepped_sync *)port;
    (void)name;
    int at = 0;
    while (at < STEPPED_MONITORS && sync->monitors[at].taken) at++;
    assert_true(at < STEPPED_MONITORS);
    sync->monitors[at].taken = true;
    return (struct monitor *)(void *)&sync->monitors[at];
}
static inline void stepped_monitor_free(struct monitor *monitor)
{
    if (monitor == NULL) return;
    assert_false(stepped_monitor(monitor)->held);
    stepped_monitor(monitor)->taken = false;
}
static inline void stepped_lock(struct monitor *monitor)
{
    assert_false(stepped_monitor(monitor)->held);
    stepped_monitor(monitor)->held = true;
}
static inline void stepped_unlock(struct monitor *monitor)
{
    assert_true(stepped_monitor(monitor)->held);
    stepped_monitor(monitor)->held = false;
}
static inline bool stepped_wait(struct monitor *monitor, struct monotonic_time until)
{
    (void)until;
    fail_msg("nobody would end this wait %d", stepped_monitor(monitor)->held);
    return false;
}
static inline void stepped_wake_all(struct monitor *monitor)
{
    assert_true(stepped_monitor(monitor)->held);
}
static inline void stepped_join(struct task *task)
{
    assert_null(task);
}

/* A slow call of another port stops nobody: no monitor is held meanwhile. */
static inline void stepped_none_held(const struct stepped_sync *sync)
{
    for (int i = 0; i < STEPPED_MONITORS; i++) assert_false(sync->monitors[i].held);
}

static inline struct wall_time stepped_wall(struct clock *clock)
{
    const struct stepped_clock *stepped = (const struct stepped_clock *)clock;
    return (struct wall_time){ stepped->now_ns + stepped->wall_ahead_ns };
}
static inline struct monotonic_time stepped_monotonic(struct clock *clock)
{
    return (struct monotonic_time){ ((struct stepped_clock *)clock)->now_ns };
}

#define STEPPED_SYNC                                                                               \
    {                                                                                              \
        .port = { .monitor_new = stepped_monitor_new,                                              \
                  .monitor_free = stepped_monitor_free,                                            \
                  .lock = stepped_lock,                                                            \
                  .unlock = stepped_unlock,                                                        \
                  .wait = stepped_wait,                                                            \
                  .wake_all = stepped_wake_all,                                                    \
                  .join = stepped_join },                                                          \
    }
#define STEPPED_CLOCK(ns)                                                                          \
    {                                                                                              \
        .port = { stepped_wall, stepped_monotonic }, .now_ns = (ns)                                \
    }

#endif
