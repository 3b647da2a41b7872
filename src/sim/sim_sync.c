/* A monitor is an owner and a list of waiters: only one coroutine runs, so nothing races here. */
#include "sim/sim_sync.h"

#include <stdlib.h>

#include "base/check.h"

/* Lives on the stack of the task that waits. */
struct waiter {
    struct task *task;
    struct waiter *next;
    bool woken;
};

struct monitor {
    struct sim_sync *sync;
    struct task *owner;      /* NULL: free */
    struct waiter *entering; /* wait for the owner to leave */
    struct waiter *waiting;  /* wait for wake_all() */
};

static struct sim_sync *from_port(struct sync *port)
{
    return (struct sim_sync *)port;
}

static struct monitor *sim_monitor_new(struct sync *port, const char *name)
{
    CHECK(name != NULL);
    struct sim_sync *sync = from_port(port);
    struct monitor *monitor = calloc(1, sizeof *monitor);
    CHECK(monitor != NULL);
    monitor->sync = sync;
    sync->monitor_count++;
    return monitor;
}

static void sim_monitor_free(struct monitor *monitor)
{
    if (monitor == NULL) return;
    CHECK(monitor->owner == NULL);
    CHECK(monitor->entering == NULL);
    CHECK(monitor->waiting == NULL);
    monitor->sync->monitor_count--;
    free(monitor);
}

static void list_remove(struct waiter **list, struct waiter *waiter)
{
    while (*list != NULL && *list != waiter) list = &(*list)->next;
    if (*list != NULL) *list = waiter->next;
}

static void enter(struct monitor *monitor)
{
    struct world *world = monitor->sync->process->world;
    struct task *self = task_current(world);
    CHECK(monitor->owner != self); /* would wait for itself */
    while (monitor->owner != NULL) {
        struct waiter waiter = { self, monitor->entering, false };
        monitor->entering = &waiter;
        (void)task_block(world, MONOTONIC_NEVER);
        list_remove(&monitor->entering, &waiter);
    }
    monitor->owner = self;
}

static void leave(struct monitor *monitor)
{
    CHECK(monitor->owner == task_current(monitor->sync->process->world));
    monitor->owner = NULL;
    for (struct waiter *at = monitor->entering; at != NULL; at = at->next) task_wake(at->task);
}

static void sim_lock(struct monitor *monitor)
{
    (void)process_point(monitor->sync->process, SIM_POINT_SYNC_LOCK); /* dead or not */
    enter(monitor);
}

static void sim_unlock(struct monitor *monitor)
{
    leave(monitor);
}

static bool sim_wait(struct monitor *monitor, struct monotonic_time until)
{
    struct process *process = monitor->sync->process;
    struct waiter waiter = { task_current(process->world), monitor->waiting, false };
    monitor->waiting = &waiter;
    leave(monitor);
    (void)process_point(process, SIM_POINT_SYNC_WAIT); /* dead or not */
    if (!process->crashed && fault_strikes(process->faults, SIM_FAULT_SPURIOUS_WAKE)) {
        waiter.woken = true;
    }
    bool in_time = true;
    while (!waiter.woken && in_time) in_time = task_block(process->world, until);
    list_remove(&monitor->waiting, &waiter);
    enter(monitor);
    return in_time;
}

static void sim_wake_all(struct monitor *monitor)
{
    for (struct waiter *at = monitor->waiting; at != NULL; at = at->next) {
        at->woken = true;
        task_wake(at->task);
    }
}

static enum status sim_spawn(struct sync *port, const char *name, void (*body)(void *argument),
                             void *argument, struct task **out_task)
{
    struct process *process = from_port(port)->process;
    if (!process_point(process, SIM_POINT_SYNC_SPAWN)) return STATUS_UNAVAILABLE;
    if (fault_strikes(process->faults, SIM_FAULT_SPAWN_FAILS)) return STATUS_UNAVAILABLE;
    *out_task = task_spawn(process->world, name, body, argument);
    return STATUS_OK;
}

/* The port's join has no sync to ask: the task knows its world. */
static void sim_join(struct task *task)
{
    if (task == NULL) return;
    task_yield(task_world(task));
    task_join(task_world(task), task);
}

void sim_sync_init(struct sim_sync *sync, struct process *process)
{
    *sync = (struct sim_sync){
        .port = { .monitor_new = sim_monitor_new,
                  .monitor_free = sim_monitor_free,
                  .lock = sim_lock,
                  .unlock = sim_unlock,
                  .wait = sim_wait,
                  .wake_all = sim_wake_all,
                  .spawn = sim_spawn,
                  .join = sim_join },
        .process = process,
    };
}

void sim_sync_done(struct sim_sync *sync)
{
    CHECK(sync->monitor_count == 0);
}
