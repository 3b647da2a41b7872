/*
 * Goal: the age of what is not read is that of the look at which it was first there, however many
 * looks there were, and a sequence that begins anew is not held against its old ends.
 * Method: a naive list of all looks beside it, over random steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"
#include "wallet/lag_history.h"

enum { STEPS = 5000 };

static int64_t at_of[STEPS];
static int64_t end_of[STEPS];

static int64_t age_naive(int begun, int steps, int64_t now, int64_t next)
{
    int from = steps - LAG_HISTORY_MAX > begun ? steps - LAG_HISTORY_MAX : begun;
    for (int i = from; i < steps; i++)
        if (end_of[i] > next) return now - at_of[i];
    return 0;
}

static void nothing_seen_is_no_age(void **state)
{
    (void)state; /* no fixture */
    static struct lag_history history;
    assert_int_equal(lag_history_age_ns(&history, (struct monotonic_time){ 5 }, 0), 0);
    lag_history_add(&history, (struct monotonic_time){ 5 }, 0);
    assert_int_equal(lag_history_age_ns(&history, (struct monotonic_time){ 9 }, 0), 0);
    lag_history_add(&history, (struct monotonic_time){ 10 }, 1);
    assert_int_equal(lag_history_age_ns(&history, (struct monotonic_time){ 30 }, 0), 20);
    assert_int_equal(lag_history_age_ns(&history, (struct monotonic_time){ 30 }, 1), 0);
}

static void ages_are_those_of_all_looks(void **state)
{
    (void)state; /* no fixture */
    static struct lag_history history;
    struct prng prng;
    prng_init(&prng, 1);
    int64_t now = 0;
    int64_t end = 0;
    int begun = 0;
    for (int i = 0; i < STEPS; i++) {
        now += (int64_t)prng_below(&prng, 10);
        end += (int64_t)prng_below(&prng, 4);
        if (prng_below(&prng, 1000) == 0 && end > 0) {
            end = 0; /* the topic was made anew */
            begun = i;
        }
        at_of[i] = now;
        end_of[i] = end;
        lag_history_add(&history, (struct monotonic_time){ now }, end);
        int64_t next = (int64_t)prng_below(&prng, (uint64_t)end + 2);
        assert_int_equal(lag_history_age_ns(&history, (struct monotonic_time){ now + 1 }, next),
                         age_naive(begun, i + 1, now + 1, next));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_seen_is_no_age),
        cmocka_unit_test(ages_are_those_of_all_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
