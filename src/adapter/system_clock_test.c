/*
 * Goal: the clocks are the kernel's, in nanoseconds, and the monotonic one never goes back.
 * Method: many readings in a row; the wall clock only against a year that is surely past.
 */
#include "adapter/system_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void monotonic_never_goes_back_and_moves(void **state)
{
    (void)state;
    struct monotonic_time first = clock_monotonic(system_clock());
    struct monotonic_time last = first;
    for (int i = 0; i < 100000; i++) {
        struct monotonic_time now = clock_monotonic(system_clock());
        assert_true(now.ns >= last.ns);
        last = now;
    }
    assert_true(last.ns > first.ns);
    assert_true(last.ns - first.ns < 60 * NS_PER_S); /* nanoseconds, not something smaller */
}

static void monotonic_is_the_clock_of_deadlines(void **state)
{
    (void)state;
    struct timespec before;
    struct timespec after;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    int64_t ns = clock_monotonic(system_clock()).ns;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    assert_true(before.tv_sec * NS_PER_S + before.tv_nsec <= ns);
    assert_true(ns <= after.tv_sec * NS_PER_S + after.tv_nsec);
}

static void wall_is_of_this_century(void **state)
{
    (void)state;
    const int64_t year_2025_s = 1735689600;
    struct wall_time now = clock_wall(system_clock());
    assert_true(now.ns > year_2025_s * NS_PER_S);
    assert_true(now.ns < 2 * year_2025_s * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_never_goes_back_and_moves),
        cmocka_unit_test(monotonic_is_the_clock_of_deadlines),
        cmocka_unit_test(wall_is_of_this_century),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
