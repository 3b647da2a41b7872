/*
 * Goal: threads meet in monitors as port/sync.h says: one inside at a time, a wait ends by a
 * wake or at its deadline, tasks carry their names and leave signals alone.
 * Method: real threads that hand a token to each other, so that order does not depend on
 * timing; deadlines already past, so that nothing is slept; children that misuse a monitor.
 */
#define _GNU_SOURCE 1 /* pthread_getname_np */

#include "adapter/thread_sync.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/system_clock.h"

enum { TASKS = 4, ROUNDS = 2000 };

struct ring {
    struct sync *sync;
    struct monitor *monitor;
    uint64_t turns;
};

struct runner {
    struct ring *ring;
    unsigned place;
    char name[32];
    bool term_blocked;
    bool fault_blocked;
};

/* Each takes its turn after the one before it: a lost wake would hang the test. */
static void take_turns(void *argument)
{
    struct runner *runner = argument;
    struct ring *ring = runner->ring;
    for (int round = 0; round < ROUNDS; round++) {
        ring->sync->lock(ring->monitor);
        while (ring->turns % TASKS != runner->place) {
            assert_true(ring->sync->wait(ring->monitor, MONOTONIC_NEVER));
        }
        ring->turns++;
        ring->sync->wake_all(ring->monitor);
        ring->sync->unlock(ring->monitor);
    }
    sigset_t blocked;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    runner->term_blocked = sigismember(&blocked, SIGTERM) == 1;
    runner->fault_blocked = sigismember(&blocked, SIGSEGV) == 1;
    assert_int_equal(pthread_getname_np(pthread_self(), runner->name, sizeof runner->name), 0);
}

static void tasks_take_turns_through_a_monitor(void **state)
{
    (void)state;
    struct ring ring = { .sync = thread_sync() };
    ring.monitor = ring.sync->monitor_new(ring.sync, "ring");
    struct runner runners[TASKS];
    struct task *tasks[TASKS];
    for (unsigned i = 0; i < TASKS; i++) {
        runners[i] = (struct runner){ .ring = &ring, .place = i };
        assert_int_equal(ring.sync->spawn(ring.sync, "a-name-longer-than-15", take_turns,
                                          &runners[i], &tasks[i]),
                         STATUS_OK);
    }
    for (unsigned i = 0; i < TASKS; i++) {
        ring.sync->join(tasks[i]);
        assert_string_equal(runners[i].name, "a-name-longer-t");
        assert_true(runners[i].term_blocked);
        assert_false(runners[i].fault_blocked);
    }
    assert_int_equal(ring.turns, (uint64_t)TASKS * ROUNDS);
    ring.sync->monitor_free(ring.monitor);
}

struct crowd {
    struct sync *sync;
    struct monitor *monitor;
    unsigned round;
    unsigned arrived; /* in this round */
};

/* Sleeps once a round; the last to wake calls the next round. */
static void sleep_in_rounds(void *argument)
{
    struct crowd *crowd = argument;
    struct sync *sync = crowd->sync;
    for (unsigned round = 0; round < ROUNDS; round++) {
        sync->lock(crowd->monitor);
        bool last = ++crowd->arrived == TASKS;
        if (last) {
            crowd->arrived = 0;
            crowd->round++;
        }
        while (crowd->round == round) assert_true(sync->wait(crowd->monitor, MONOTONIC_NEVER));
        sync->unlock(crowd->monitor);
        if (last) sync->wake_all(crowd->monitor);
    }
}

static void one_wake_given_outside_reaches_every_sleeper(void **state)
{
    (void)state;
    struct crowd crowd = { .sync = thread_sync() };
    struct sync *sync = crowd.sync;
    crowd.monitor = sync->monitor_new(sync, "crowd");
    struct task *tasks[TASKS];
    for (unsigned i = 0; i < TASKS; i++) {
        assert_int_equal(sync->spawn(sync, "sleeper", sleep_in_rounds, &crowd, &tasks[i]),
                         STATUS_OK);
    }
    for (unsigned i = 0; i < TASKS; i++) sync->join(tasks[i]); /* a lost wake would hang */
    assert_int_equal(crowd.round, ROUNDS);
    sync->monitor_free(crowd.monitor);
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void spawning_leaves_the_callers_signals_as_they_were(void **state)
{
    (void)state;
    struct sync *sync = thread_sync();
    struct task *task;
    assert_int_equal(sync->spawn(sync, "nothing", do_nothing, NULL, &task), STATUS_OK);
    sync->join(task);
    sigset_t blocked;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    assert_int_equal(sigismember(&blocked, SIGTERM), 0);
}

static void a_deadline_ends_a_wait(void **state)
{
    (void)state;
    struct sync *sync = thread_sync();
    struct monitor *monitor = sync->monitor_new(sync, "deadline");
    struct monotonic_time now = clock_monotonic(system_clock());
    const struct monotonic_time past[] = { { 0 }, { -1 }, { INT64_MIN }, now };
    sync->lock(monitor);
    for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
        assert_false(sync->wait(monitor, past[i]));
    }
    struct monotonic_time soon = { now.ns + 2 * NS_PER_MS };
    while (sync->wait(monitor, soon)) {
    }
    assert_true(clock_monotonic(system_clock()).ns >= soon.ns);
    sync->unlock(monitor);
    sync->monitor_free(monitor);
}

static void freeing_and_joining_nothing_is_allowed(void **state)
{
    (void)state;
    thread_sync()->monitor_free(NULL);
    thread_sync()->join(NULL);
}

static void lock_twice(struct sync *sync, struct monitor *monitor)
{
    sync->lock(monitor);
    sync->lock(monitor);
}

static void unlock_as_a_stranger(struct sync *sync, struct monitor *monitor)
{
    sync->unlock(monitor);
}

static void wait_as_a_stranger(struct sync *sync, struct monitor *monitor)
{
    (void)sync->wait(monitor, (struct monotonic_time){ 0 });
}

/* The thread sanitizer reports the misuse itself and ends the program with a code of its own. */
#ifdef __SANITIZE_THREAD__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static void misuse_stops_the_program(void **state)
{
    (void)state;
    void (*const misuses[])(struct sync *, struct monitor *) = {
        lock_twice,
        unlock_as_a_stranger,
        wait_as_a_stranger,
    };
    for (size_t i = 0; i < sizeof misuses / sizeof misuses[0]; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)signal(SIGABRT, SIG_DFL);
            (void)close(STDERR_FILENO);
            struct sync *sync = thread_sync();
            misuses[i](sync, sync->monitor_new(sync, "misused"));
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (SANITIZED && WIFEXITED(status)) {
            assert_int_not_equal(WEXITSTATUS(status), 0); /* it saw the misuse first */
            continue;
        }
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_take_turns_through_a_monitor),
        cmocka_unit_test(one_wake_given_outside_reaches_every_sleeper),
        cmocka_unit_test(spawning_leaves_the_callers_signals_as_they_were),
        cmocka_unit_test(a_deadline_ends_a_wait),
        cmocka_unit_test(freeing_and_joining_nothing_is_allowed),
        cmocka_unit_test(misuse_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
