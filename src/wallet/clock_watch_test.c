/*
 * Goal: a jump forward is seen once, at the limit and not below; waiting long is no jump, and
 * neither is going back.
 * Method: both clocks are set by hand before each look.
 */
#include "wallet/clock_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"

struct hands {
    struct clock port;
    int64_t wall_ns;
    int64_t monotonic_ns;
};

static struct wall_time hands_wall(struct clock *clock)
{
    return (struct wall_time){ ((struct hands *)clock)->wall_ns };
}

static struct monotonic_time hands_monotonic(struct clock *clock)
{
    return (struct monotonic_time){ ((struct hands *)clock)->monotonic_ns };
}

static bool look(struct hands *hands, struct clock_watch *watch, int64_t wall, int64_t monotonic)
{
    struct wall_time seen;
    hands->wall_ns += wall;
    hands->monotonic_ns += monotonic;
    bool jumped = clock_watch_jumped(watch, &hands->port, &seen);
    assert_int_equal(seen.ns, hands->wall_ns);
    return jumped;
}

static void only_a_jump_forward_is_one(void **state)
{
    (void)state;
    const int64_t limit = CLOCK_JUMP_S_MAX * NS_PER_S;
    struct hands hands = { { hands_wall, hands_monotonic }, INT64_C(1) << 60, 5 };
    struct clock_watch watch;
    clock_watch_begin(&watch, &hands.port);
    assert_false(look(&hands, &watch, 0, 0));
    assert_false(look(&hands, &watch, 30 * limit, 30 * limit)); /* idle for long */
    assert_false(look(&hands, &watch, limit, 0));
    assert_true(look(&hands, &watch, limit + 1, 0));
    assert_false(look(&hands, &watch, 1, 1)); /* seen once */
    assert_false(look(&hands, &watch, -50 * limit, 1));
    assert_true(look(&hands, &watch, 50 * limit, 1)); /* and back again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_jump_forward_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
