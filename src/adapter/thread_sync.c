/*
 * A monitor is a mutex that checks its owner, and a count of wakes that the kernel lets sleepers
 * compare. The C library's condition variable takes the mutex back as if others waited for it, so
 * that every wait costs a second system call when the mutex is given back; here 64 callers that
 * wake for one commit cost one call each.
 */
#define _GNU_SOURCE 1 /* pthread_setname_np */

#include "adapter/thread_sync.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

enum { THREAD_NAME_SIZE = 16 }; /* the kernel's limit, the terminator included */

struct monitor {
    pthread_mutex_t mutex;
    /*
     * A wait is missed only if exactly 2^32 wakes come between reading the count and sleeping.
     */
    _Atomic uint32_t wakes;
    _Atomic uint32_t waiting; /* so that waking nobody costs no call */
};

struct task {
    pthread_t thread;
    void (*body)(void *argument);
    void *argument;
    char name[THREAD_NAME_SIZE];
};

static struct monitor *thread_monitor_new(struct sync *sync, const char *name)
{
    CHECK(sync != NULL);
    CHECK(name != NULL);
    struct monitor *monitor = calloc(1, sizeof *monitor);
    CHECK(monitor != NULL); /* monitors are made at start, when stopping is right */

    pthread_mutexattr_t mutex_attributes;
    int error = pthread_mutexattr_init(&mutex_attributes);
    CHECK(error == 0);
    error = pthread_mutexattr_settype(&mutex_attributes, PTHREAD_MUTEX_ERRORCHECK);
    CHECK(error == 0);
    error = pthread_mutex_init(&monitor->mutex, &mutex_attributes);
    CHECK(error == 0);
    (void)pthread_mutexattr_destroy(&mutex_attributes); /* frees nothing that could fail */

    return monitor;
}

static void thread_monitor_free(struct monitor *monitor)
{
    if (monitor == NULL) return;
    int error = pthread_mutex_destroy(&monitor->mutex);
    CHECK(error == 0); /* EBUSY: somebody is still inside */
    free(monitor);
}

static void thread_lock(struct monitor *monitor)
{
    int error = pthread_mutex_lock(&monitor->mutex);
    CHECK(error == 0); /* EDEADLK: the caller holds it already */
}

static void thread_unlock(struct monitor *monitor)
{
    int error = pthread_mutex_unlock(&monitor->mutex);
    CHECK(error == 0); /* EPERM: the caller does not hold it */
}

/* False at the deadline, which is on CLOCK_MONOTONIC; NULL: none. True may be without a cause. */
static bool futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *deadline)
{
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL,
                          FUTEX_BITSET_MATCH_ANY);
    if (result == 0 || errno == EAGAIN || errno == EINTR) return true;
    CHECK(errno == ETIMEDOUT);
    return false;
}

/*
 * What is waited for changes under the mutex, and the wake is counted after that: a change made
 * once the mutex is given back here moves the count, and the kernel does not let this one sleep.
 */
static bool thread_wait(struct monitor *monitor, struct monotonic_time until)
{
    uint32_t wakes = atomic_load(&monitor->wakes);
    atomic_fetch_add(&monitor->waiting, 1);
    thread_unlock(monitor);
    bool woken;
    if (until.ns == MONOTONIC_NEVER.ns) {
        woken = futex_wait(&monitor->wakes, wakes, NULL);
    } else {
        int64_t ns = until.ns > 0 ? until.ns : 0;
        struct timespec deadline = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
        woken = futex_wait(&monitor->wakes, wakes, &deadline);
    }
    atomic_fetch_sub(&monitor->waiting, 1);
    thread_lock(monitor);
    return woken;
}

static void thread_wake_all(struct monitor *monitor)
{
    atomic_fetch_add(&monitor->wakes, 1);
    if (atomic_load(&monitor->waiting) == 0) return;
    long woken = syscall(SYS_futex, &monitor->wakes, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    CHECK(woken >= 0);
}

static void *task_main(void *argument)
{
    struct task *task = argument;
    (void)pthread_setname_np(pthread_self(), task->name); /* a name is a convenience */
    task->body(task->argument);
    return NULL;
}

void thread_signals_block(sigset_t *out_before)
{
    CHECK(out_before != NULL);
    sigset_t blocked;
    const int own_faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
    int error = sigfillset(&blocked);
    CHECK(error == 0);
    for (size_t i = 0; i < sizeof own_faults / sizeof own_faults[0]; i++) {
        error = sigdelset(&blocked, own_faults[i]);
        CHECK(error == 0);
    }
    error = pthread_sigmask(SIG_SETMASK, &blocked, out_before);
    CHECK(error == 0);
}

void thread_signals_restore(const sigset_t *before)
{
    CHECK(before != NULL);
    int error = pthread_sigmask(SIG_SETMASK, before, NULL);
    CHECK(error == 0);
}

/* The new thread inherits the mask, so that no signal can slip in before it sets its own. */
static int task_create(struct task *task)
{
    sigset_t before;
    thread_signals_block(&before);
    int created = pthread_create(&task->thread, NULL, task_main, task);
    thread_signals_restore(&before);
    return created;
}

static enum status thread_spawn(struct sync *sync, const char *name, void (*body)(void *argument),
                                void *argument, struct task **out_task)
{
    CHECK(sync != NULL);
    CHECK(name != NULL);
    CHECK(body != NULL);
    CHECK(out_task != NULL);
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) return STATUS_UNAVAILABLE;
    task->body = body;
    task->argument = argument;
    size_t len = strnlen(name, THREAD_NAME_SIZE - 1);
    memcpy(task->name, name, len);
    if (task_create(task) != 0) {
        free(task);
        return STATUS_UNAVAILABLE;
    }
    *out_task = task;
    return STATUS_OK;
}

static void thread_join(struct task *task)
{
    if (task == NULL) return;
    int error = pthread_join(task->thread, NULL);
    CHECK(error == 0); /* EDEADLK: a task that waits for itself */
    free(task);
}

struct sync *thread_sync(void)
{
    static struct sync sync = {
        .monitor_new = thread_monitor_new,
        .monitor_free = thread_monitor_free,
        .lock = thread_lock,
        .unlock = thread_unlock,
        .wait = thread_wait,
        .wake_all = thread_wake_all,
        .spawn = thread_spawn,
        .join = thread_join,
    };
    return &sync;
}
