/* sync.h - tasks that run beside each other, and the monitors through which they meet. */
#ifndef PORT_SYNC_H
#define PORT_SYNC_H

#include <stdbool.h>

#include "base/status.h"
#include "base/time.h"

/*
 * Real: threads, a mutex and a count to sleep on. Simulated: coroutines; lock and wait are
 * scheduling points. State shared by tasks is touched only between lock and unlock.
 */
struct monitor;
struct task;

struct sync {
    /* Monitors: NULL never comes back (memory is reserved at start, or the program stops). */
    struct monitor *(*monitor_new)(struct sync *sync, const char *name);
    void (*monitor_free)(struct monitor *monitor); /* accepts NULL; nobody may be inside */
    void (*lock)(struct monitor *monitor);
    void (*unlock)(struct monitor *monitor);
    /*
     * Held by the caller; released while waiting, held again on return. False when `until`
     * has passed. Wakes without a cause are allowed: test the condition again.
     */
    bool (*wait)(struct monitor *monitor, struct monotonic_time until);
    /*
     * Whoever waits, after what it waits for was changed under the monitor. Held or not: who wakes
     * many gives the monitor back first, since they all want it.
     */
    void (*wake_all)(struct monitor *monitor);

    /* STATUS_UNAVAILABLE when no task can be started. body runs until it returns. */
    enum status (*spawn)(struct sync *sync, const char *name, void (*body)(void *argument),
                         void *argument, struct task **out_task);
    /* Waits until the task's body has returned, then releases it; accepts NULL. */
    void (*join)(struct task *task);
};

/* As a deadline: never. */
#define MONOTONIC_NEVER ((struct monotonic_time){ INT64_MAX })

#endif
