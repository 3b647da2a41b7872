/*
 * Goal: a PSP that fails is left alone for a while, and comes back by a few probes and no more.
 * Method: a virtual clock; the edges of each number; a random walk that keeps the invariants.
 */
#include "payment/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"

static struct breaker breaker;
static struct monotonic_time now;

static void begin(void)
{
    const struct breaker_options options = {
        .window_ms = 8000, .calls_min = 10, .failure_percent = 50, .open_ms = 5000, .probes = 2
    };
    now = (struct monotonic_time){ 77 * NS_PER_S };
    breaker_init(&breaker, &options, now);
}

static void step_ms(int64_t ms)
{
    now.ns += ms * NS_PER_MS;
}

static bool call(bool failed)
{
    bool allowed = breaker_allow(&breaker, now);
    if (allowed) breaker_report(&breaker, failed, now);
    breaker_check(&breaker);
    return allowed;
}

static void calls(int count, bool failed)
{
    for (int i = 0; i < count; i++) assert_true(call(failed));
}

static void it_opens_at_the_share_of_failures_and_not_before(void **state)
{
    (void)state;
    begin();
    calls(9, true);
    assert_int_equal(breaker.state, BREAKER_CLOSED); /* too few to tell */
    calls(1, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_false(call(false));
    begin();
    calls(51, false);
    calls(50, true);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_int_equal(breaker_success_per_mille(&breaker, now), 504);
    calls(1, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker.opened, 1);
}

static void old_failures_are_forgotten(void **state)
{
    (void)state;
    begin();
    calls(9, true);
    step_ms(8000);
    calls(9, true);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    step_ms(7000);
    calls(1, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    begin();
    calls(5, true);
    assert_int_equal(breaker_success_per_mille(&breaker, now), 0);
    step_ms(8000);
    assert_int_equal(breaker_success_per_mille(&breaker, now), 1000);
}

static void it_lets_probes_through_after_its_time(void **state)
{
    (void)state;
    begin();
    calls(10, true);
    step_ms(4999);
    assert_int_equal(breaker_state_at(&breaker, now), BREAKER_OPEN);
    assert_false(breaker_allow(&breaker, now));
    step_ms(1);
    assert_int_equal(breaker_state_at(&breaker, now), BREAKER_HALF_OPEN);
    assert_true(breaker_allow(&breaker, now));
    assert_true(breaker_allow(&breaker, now));
    assert_false(breaker_allow(&breaker, now)); /* two at once */
    breaker_report(&breaker, false, now);
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
    breaker_report(&breaker, false, now);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    calls(9, true); /* what was before counts no more */
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void a_probe_that_fails_opens_it_again(void **state)
{
    (void)state;
    begin();
    calls(10, true);
    step_ms(5000);
    assert_true(call(false));
    assert_true(call(true));
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker.opened, 2);
    step_ms(4999);
    assert_false(call(false));
    step_ms(1);
    calls(2, false);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void probes_that_never_come_back_do_not_block_for_ever(void **state)
{
    (void)state;
    begin();
    calls(10, true);
    step_ms(5000);
    assert_true(breaker_allow(&breaker, now));
    assert_true(breaker_allow(&breaker, now));
    step_ms(4999);
    assert_false(breaker_allow(&breaker, now));
    step_ms(1);
    assert_true(breaker_allow(&breaker, now));
}

static void late_news_from_before_it_opened_changes_nothing(void **state)
{
    (void)state;
    begin();
    calls(10, true);
    breaker_report(&breaker, false, now);
    breaker_report(&breaker, true, now);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker.opened, 1);
}

static void whatever_comes_the_invariants_hold(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 7);
    begin();
    uint64_t let_through = 0;
    for (int i = 0; i < 200000; i++) {
        step_ms((int64_t)prng_below(&prng, 300));
        if (prng_below(&prng, 3) > 0)
            let_through += breaker_allow(&breaker, now);
        else
            breaker_report(&breaker, prng_below(&prng, 2) == 0, now);
        breaker_check(&breaker);
    }
    assert_true(let_through > 0);
    assert_true(breaker.opened > 10);
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
    assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
    assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
    assert_null(breaker_state_name(BREAKER_STATE_END));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_at_the_share_of_failures_and_not_before),
        cmocka_unit_test(old_failures_are_forgotten),
        cmocka_unit_test(it_lets_probes_through_after_its_time),
        cmocka_unit_test(a_probe_that_fails_opens_it_again),
        cmocka_unit_test(probes_that_never_come_back_do_not_block_for_ever),
        cmocka_unit_test(late_news_from_before_it_opened_changes_nothing),
        cmocka_unit_test(whatever_comes_the_invariants_hold),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
