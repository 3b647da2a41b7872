/*
 * Goal: work rung for is done once and not lost, also when the end is rung behind it.
 * Method: rings come from inside the wait, through a monitor that plays the other task.
 */
#include "wallet/doorbell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct monitor {
    struct doorbell *bell;
    int waits;
    bool held;
};

static void test_lock(struct monitor *monitor)
{
    assert_false(monitor->held);
    monitor->held = true;
}

static void test_unlock(struct monitor *monitor)
{
    assert_true(monitor->held);
    monitor->held = false;
}

/* The first wake is without a cause; with the second there is work. */
static bool test_wait(struct monitor *monitor, struct monotonic_time until)
{
    assert_true(monitor->held);
    assert_int_equal(until.ns, MONOTONIC_NEVER.ns);
    if (++monitor->waits == 2) monitor->bell->rung = true;
    return true;
}

static void test_wake_all(struct monitor *monitor)
{
    assert_true(monitor->held);
}

static struct sync test_sync = {
    .lock = test_lock, .unlock = test_unlock, .wait = test_wait, .wake_all = test_wake_all
};

static void waits_until_there_is_work(void **state)
{
    (void)state;
    struct doorbell bell = { 0 };
    struct monitor monitor = { .bell = &bell };
    bell.monitor = &monitor;
    assert_true(doorbell_wait(&test_sync, &bell));
    assert_int_equal(monitor.waits, 2);
}

static void work_rung_for_before_the_end_is_done(void **state)
{
    (void)state;
    struct doorbell bell = { 0 };
    struct monitor monitor = { .bell = &bell };
    bell.monitor = &monitor;
    doorbell_ring(&test_sync, &bell, false);
    doorbell_ring(&test_sync, &bell, false);
    doorbell_ring(&test_sync, &bell, true);
    assert_true(doorbell_wait(&test_sync, &bell));
    assert_false(doorbell_wait(&test_sync, &bell));
    assert_false(doorbell_wait(&test_sync, &bell));
    assert_int_equal(monitor.waits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_until_there_is_work),
        cmocka_unit_test(work_rung_for_before_the_end_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
