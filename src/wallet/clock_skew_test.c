/*
 * Goal: a clock that is ahead or behind is seen to be, by as much as is certain; a round trip,
 * however long, makes none wrong.
 * Method: a table of looks.
 */
#include "wallet/clock_skew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"

static void what_is_certain_counts(void **state)
{
    (void)state; /* no fixture */
    const struct {
        int64_t before, shared, after, skew;
    } cases[] = {
        { 100, 100, 100, 0 },    { 100, 150, 200, 0 },   { 100, 200, 200, 0 },
        { 100, 99, 200, 1 },     { 100, 201, 200, -1 },  { 100, 40, 9000, 60 },
        { 7200, 3, 7210, 7197 }, { 0, 7200, 10, -7190 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct clock_look look = { { cases[i].before },
                                         { cases[i].shared },
                                         { cases[i].after } };
        assert_int_equal(clock_skew_ns(&look), cases[i].skew);
    }
}

static void the_limit_is_none_yet(void **state)
{
    (void)state; /* no fixture */
    const int64_t limit = CLOCK_SKEW_MS_MAX * NS_PER_MS;
    assert_false(clock_skew_is_too_much(0));
    assert_false(clock_skew_is_too_much(limit));
    assert_true(clock_skew_is_too_much(limit + 1));
    assert_false(clock_skew_is_too_much(-limit));
    assert_true(clock_skew_is_too_much(-limit - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_certain_counts),
        cmocka_unit_test(the_limit_is_none_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
