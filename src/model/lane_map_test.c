/*
 * Goal: an account's lane follows from its id alone, is the same for ever, and spreads accounts.
 * Method: lanes of some ids typed in, as they were when this was written; many ids counted; ids
 * that say their lane themselves.
 */
#include "model/lane_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check_test.h"

static struct account_id id_of(uint64_t hi, uint64_t lo)
{
    return (struct account_id){ { .hi = hi, .lo = lo } };
}

static const uint64_t V7 = UINT64_C(0x0190000000007000);
static const uint64_t V8 = UINT64_C(0x0190000000008000);
static const uint64_t VARIANT = UINT64_C(0x8000000000000000);

static void lanes_never_change(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        uint64_t hi, lo;
        uint32_t of_2, of_3, of_4, of_64;
    } known[] = {
        { 0x0190000000007000U, 0x8000000000000001U, 1, 1, 3, 15 },
        { 0x019A2B3C4D5E7F01U, 0x9123456789ABCDEFU, 1, 1, 1, 33 },
        { 0xFFFFFFFFFFFF4FFFU, 0xBFFFFFFFFFFFFFFFU, 0, 0, 2, 38 },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct account_id id = id_of(known[i].hi, known[i].lo);
        assert_int_equal(lane_of_account(id, 1), 0);
        assert_int_equal(lane_of_account(id, 2), known[i].of_2);
        assert_int_equal(lane_of_account(id, 3), known[i].of_3);
        assert_int_equal(lane_of_account(id, 4), known[i].of_4);
        assert_int_equal(lane_of_account(id, LANES_MAX), known[i].of_64);
    }
}

static void ids_in_a_row_are_spread(void **state)
{
    (void)state; /* no fixture */
    enum { IDS = 30000, LANES = 3, FAIR = IDS / LANES };
    uint32_t counts[LANES] = { 0 };
    for (uint64_t i = 0; i < IDS; i++) counts[lane_of_account(id_of(V7, VARIANT | i), LANES)]++;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        assert_in_range(counts[lane], FAIR - FAIR / 20, FAIR + FAIR / 20);
    }
}

static void an_id_of_version_8_says_its_lane(void **state)
{
    (void)state; /* no fixture */
    for (uint64_t low = 0; low <= UINT16_MAX; low++) {
        struct account_id id = id_of(V8, VARIANT | UINT64_C(0x123450000) | low);
        assert_int_equal(lane_of_account(id, 5), low % 5);
    }
    struct account_id other_variant = id_of(V8, 3);
    struct account_id beside = id_of(V8, 7);
    bool both = lane_of_account(other_variant, 64) == 3 && lane_of_account(beside, 64) == 7;
    assert_false(both); /* not of RFC 9562: they say nothing */
}

static void an_account_is_there_once_per_lane(void **state)
{
    (void)state; /* no fixture */
    static const uint64_t lows[] = { 0, 1, 77, 65534, 65535 };
    for (size_t i = 0; i < sizeof lows / sizeof lows[0]; i++) {
        struct account_id id = id_of(V8, VARIANT | UINT64_C(0xABC0000) | lows[i]);
        assert_true(uuid_equal(lane_own_id(id.value, LANE_ALONE), id.value));
        for (uint32_t lanes = 1; lanes <= LANES_MAX; lanes++) {
            for (uint32_t lane = 0; lane < lanes; lane++) {
                struct uuid own = lane_own_id(id.value, (struct lane_part){ lane, lanes });
                assert_int_equal(lane_of_account((struct account_id){ own }, lanes), lane);
                assert_int_equal(lane_of_payment((struct payment_id){ own }, lanes), lane);
                assert_int_equal(own.hi, id.value.hi);
                assert_int_equal(own.lo >> 16, id.value.lo >> 16);
                assert_true(lane_same_id(own, id.value));
            }
        }
    }
}

static void only_ids_that_are_once_per_lane_are_the_same(void **state)
{
    (void)state; /* no fixture */
    struct uuid id = id_of(V8, VARIANT | UINT64_C(0xABC0000)).value;
    struct uuid others[] = {
        { .hi = id.hi + (1 << 16), .lo = id.lo },
        { .hi = id.hi, .lo = id.lo + (1 << 16) },
        { .hi = V7, .lo = id.lo },
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(lane_same_id(id, others[i]));
    assert_false(lane_same_id(others[2], others[2])); /* it says no lane */
}

struct question {
    struct account_id id;
    uint32_t lane;
    uint32_t lanes;
    bool own;
};

static void ask(void *argument)
{
    const struct question *question = argument;
    if (question->own) {
        const struct lane_part part = { question->lane, question->lanes };
        (void)lane_own_id(question->id.value, part); /* or it stops */
    } else {
        (void)lane_of_account(question->id, question->lanes); /* the same */
    }
}

static void what_makes_no_sense_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    struct account_id id = id_of(V8, VARIANT);
    const struct question questions[] = {
        { id, 0, 0, false },
        { id, 0, LANES_MAX + 1, false },
        { id, 2, 2, true },
        { id_of(V7, VARIANT), 0, 2, true },
    };
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        struct question question = questions[i];
        assert_true(dies(ask, &question));
    }
    struct question sensible = { id, 1, 2, true };
    assert_false(dies(ask, &sensible));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_never_change),
        cmocka_unit_test(ids_in_a_row_are_spread),
        cmocka_unit_test(an_id_of_version_8_says_its_lane),
        cmocka_unit_test(an_account_is_there_once_per_lane),
        cmocka_unit_test(only_ids_that_are_once_per_lane_are_the_same),
        cmocka_unit_test(what_makes_no_sense_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
