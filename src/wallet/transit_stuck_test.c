/*
 * Goal: what is stuck is left alone as long as it is open and nothing about it has changed.
 * Method: a table by hand, up to its last place.
 */
#include "wallet/transit_stuck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct transfer_id departure(uint64_t number)
{
    return (struct transfer_id){ { 7, number } };
}

static void what_is_stuck_is_left_alone_until_it_ends_otherwise(void **state)
{
    (void)state; /* no fixture */
    struct transit_stuck stuck = { 0 };
    assert_false(transit_stuck_has(&stuck, departure(1), true));
    assert_true(transit_stuck_add(&stuck, departure(1), true, "x"));
    assert_true(transit_stuck_add(&stuck, departure(2), false, "x"));
    assert_true(transit_stuck_has(&stuck, departure(1), true));
    assert_true(transit_stuck_has(&stuck, departure(2), false));
    assert_int_equal(stuck.count, 2);
    assert_string_equal(transit_stuck_outcome(&stuck, departure(2), false), "x");
    assert_null(transit_stuck_outcome(&stuck, departure(3), false));
    assert_null(transit_stuck_outcome(&stuck, departure(1), false)); /* which changes nothing */
    assert_int_equal(stuck.count, 2);
    assert_false(transit_stuck_has(&stuck, departure(1), false)); /* no payment waits any more */
    assert_int_equal(stuck.count, 1);
    assert_true(transit_stuck_add(&stuck, departure(1), false, "x"));
    assert_true(transit_stuck_add(&stuck, departure(1), false, "x")); /* it is there once */
    assert_int_equal(stuck.count, 2);
}

static void what_is_open_no_more_is_forgotten_after_a_look_at_all(void **state)
{
    (void)state; /* no fixture */
    struct transit_stuck stuck = { 0 };
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(transit_stuck_add(&stuck, departure(i), false, "x"));
    transit_stuck_looked(&stuck);
    assert_int_equal(stuck.count, 3); /* each was open when it came */
    transit_stuck_look(&stuck);
    assert_true(transit_stuck_has(&stuck, departure(2), false));
    transit_stuck_looked(&stuck);
    assert_int_equal(stuck.count, 1);
    assert_true(transit_stuck_has(&stuck, departure(2), false));
    assert_false(transit_stuck_has(&stuck, departure(3), false));
}

static void a_full_table_takes_no_more(void **state)
{
    (void)state; /* no fixture */
    static struct transit_stuck stuck;
    for (uint64_t i = 0; i < TRANSIT_STUCK_MAX; i++)
        assert_true(transit_stuck_add(&stuck, departure(i), false, "x"));
    assert_false(transit_stuck_add(&stuck, departure(TRANSIT_STUCK_MAX), false, "x"));
    assert_true(transit_stuck_add(&stuck, departure(TRANSIT_STUCK_MAX - 1), true, "x")); /* known */
    assert_true(transit_stuck_has(&stuck, departure(TRANSIT_STUCK_MAX - 1), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stuck_is_left_alone_until_it_ends_otherwise),
        cmocka_unit_test(what_is_open_no_more_is_forgotten_after_a_look_at_all),
        cmocka_unit_test(a_full_table_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
