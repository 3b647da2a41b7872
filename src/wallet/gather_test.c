/*
 * Goal: a batch waits only for callers who can be expected, never long, and not again and again
 * in vain.
 * Method: landings and moments given by hand, with answers known from the rules of the header.
 */
#include "wallet/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { COMMIT_NS = 300000, WAIT_NS = COMMIT_NS / GATHER_SHARE, START_NS = 5000 };

static struct monotonic_time at(int64_t ns)
{
    return (struct monotonic_time){ START_NS + ns };
}

static struct gather_landing landing_of(uint64_t answered, uint64_t waiting)
{
    return (struct gather_landing){
        .answered = answered, .waiting = waiting, .commit_ns = COMMIT_NS, .now = at(0)
    };
}

static void begin(struct gather *gather, uint64_t answered, uint64_t waiting)
{
    struct gather_landing landing = landing_of(answered, waiting);
    gather_begin(gather, &landing);
}

static void holds_until_those_answered_are_back(void **state)
{
    (void)state;
    struct gather gather = { 0 };
    begin(&gather, 10, 5);
    assert_true(gather_holds(&gather, 5, at(0)));
    assert_true(gather_holds(&gather, 14, at(WAIT_NS - 1)));
    assert_false(gather_holds(&gather, 15, at(WAIT_NS - 1)));
    assert_false(gather_holds(&gather, 5, at(0))); /* over is over */
}

static void holds_no_longer_than_its_share_of_a_commit(void **state)
{
    (void)state;
    struct gather gather = { 0 };
    begin(&gather, 10, 0);
    assert_int_equal(gather.until.ns, at(WAIT_NS).ns);
    assert_true(gather_holds(&gather, 9, at(WAIT_NS - 1)));
    assert_false(gather_holds(&gather, 9, at(WAIT_NS)));

    struct gather_landing slow = landing_of(10, 0);
    slow.commit_ns = UINT64_C(60) * NS_PER_S;
    gather_begin(&gather, &slow);
    assert_int_equal(gather.until.ns, at(GATHER_US_MAX * NS_PER_US).ns);
}

static void nobody_is_waited_for_after_one_answer_or_none(void **state)
{
    (void)state;
    struct gather gather = { 0 };
    begin(&gather, 0, 40);
    assert_false(gather_holds(&gather, 40, at(0)));
    begin(&gather, 1, 0);
    assert_false(gather_holds(&gather, 0, at(0)));
    assert_int_equal(gather.penalty, 0);
}

static void a_batch_that_is_large_already_is_not_held(void **state)
{
    (void)state;
    struct gather gather = { 0 };
    begin(&gather, 2, GATHER_ITEMS_MAX - 2);
    assert_true(gather_holds(&gather, GATHER_ITEMS_MAX - 2, at(0)));
    begin(&gather, 2, GATHER_ITEMS_MAX - 1);
    assert_false(gather_holds(&gather, GATHER_ITEMS_MAX - 1, at(0)));
}

/* Landings until the next one that is waited after. */
static uint32_t landings_skipped(struct gather *gather)
{
    for (uint32_t skipped = 0;; skipped++) {
        assert_true(skipped <= GATHER_SKIP_MAX);
        begin(gather, 10, 0);
        if (gather_holds(gather, 0, at(0))) return skipped;
    }
}

static void waiting_in_vain_is_given_up_ever_longer(void **state)
{
    (void)state;
    struct gather gather = { 0 };
    uint32_t expected = 0;
    for (int round = 0; round < 12; round++) {
        assert_int_equal(landings_skipped(&gather), expected);
        assert_false(gather_holds(&gather, 5, at(WAIT_NS))); /* half of them: in vain */
        expected = expected == 0 ? 1 : 2 * expected;
        if (expected > GATHER_SKIP_MAX) expected = GATHER_SKIP_MAX;
    }
}

static void most_of_them_are_enough_to_go_on_waiting(void **state)
{
    (void)state;
    struct gather gather = { 0 };
    for (int round = 0; round < 3; round++) {
        (void)landings_skipped(&gather); /* once a wait in vain is behind it */
        assert_false(gather_holds(&gather, 5, at(WAIT_NS)));
    }
    (void)landings_skipped(&gather); /* as above */
    assert_false(gather_holds(&gather, 6, at(WAIT_NS)));
    assert_int_equal(landings_skipped(&gather), 0);
    assert_false(gather_holds(&gather, 5, at(WAIT_NS)));
    assert_int_equal(landings_skipped(&gather), 1); /* what was before is forgotten */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_until_those_answered_are_back),
        cmocka_unit_test(holds_no_longer_than_its_share_of_a_commit),
        cmocka_unit_test(nobody_is_waited_for_after_one_answer_or_none),
        cmocka_unit_test(a_batch_that_is_large_already_is_not_held),
        cmocka_unit_test(waiting_in_vain_is_given_up_ever_longer),
        cmocka_unit_test(most_of_them_are_enough_to_go_on_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
