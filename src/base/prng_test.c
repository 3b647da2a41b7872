/*
 * Goal: the same seed gives the same numbers for ever, unlike seeds unlike ones, and ranges are
 * even and kept to.
 * Method: the first numbers of a seed typed in (from xoshiro256** and splitmix64 as published);
 * counts over small ranges; the edges of ranges.
 */
#include "base/prng.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_seed_gives_the_numbers_published(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 0);
    assert_true(prng.state[0] == 0xE220A8397B1DCDAFU); /* splitmix64 of 0 */
    assert_true(prng.state[1] == 0x6E789E6AA1B965F4U);
    prng = (struct prng){ { 1, 2, 3, 4 } };
    static const uint64_t expected[] = { 11520, 0, 1509978240, 1215971899390074240 };
    for (size_t i = 0; i < 4; i++) assert_true(prng_next(&prng) == expected[i]);
}

static void seeds_repeat_and_differ(void **state)
{
    (void)state; /* no fixture */
    struct prng a, b, c;
    prng_init(&a, 1);
    prng_init(&b, 1);
    prng_init(&c, 2);
    unsigned equal = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value = prng_next(&a);
        assert_true(value == prng_next(&b));
        equal += value == prng_next(&c);
    }
    assert_int_equal(equal, 0);
}

static void ranges_are_even_and_kept_to(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 3);
    for (uint64_t bound = 1; bound <= 7; bound++) {
        unsigned counts[7] = { 0 };
        for (unsigned i = 0; i < 10000 * bound; i++) counts[prng_below(&prng, bound)]++;
        for (unsigned value = 0; value < bound; value++)
            assert_in_range(counts[value], 9500, 10500);
        for (uint64_t value = bound; value < 7; value++) assert_int_equal(counts[value], 0);
    }
    /* Three quarters of 2^64: every third value comes twice as often without correction. */
    unsigned third = 0;
    for (unsigned i = 0; i < 30000; i++) third += prng_below(&prng, UINT64_C(3) << 62) % 3 == 0;
    assert_in_range(third, 9500, 10500);
}

static void both_ends_of_a_range_are_reached(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 4);
    unsigned seen = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value = prng_between(&prng, 10, 13);
        assert_in_range(value, 10, 13);
        seen |= 1U << (value - 10);
    }
    assert_int_equal(seen, 15);
    assert_true(prng_between(&prng, 7, 7) == 7);
    uint64_t any = 0;
    for (unsigned i = 0; i < 100; i++) any |= prng_between(&prng, 0, UINT64_MAX);
    assert_true(any == UINT64_MAX);
}

static void chances_come_true_as_often_as_said(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 5);
    unsigned hits = 0;
    for (unsigned i = 0; i < 100000; i++) {
        hits += prng_chance(&prng, 3, 100);
        assert_false(prng_chance(&prng, 0, 5));
        assert_true(prng_chance(&prng, 5, 5));
    }
    assert_in_range(hits, 2700, 3300);
}

static void any_number_of_bytes_is_filled(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 6);
    for (size_t size = 0; size <= 40; size++) {
        uint8_t any[48] = { 0 };
        for (unsigned i = 0; i < 50; i++) {
            uint8_t bytes[48] = { 0 };
            prng_fill(&prng, bytes, size);
            for (size_t at = 0; at < sizeof bytes; at++) any[at] |= bytes[at];
        }
        for (size_t at = 0; at < sizeof any; at++) assert_int_equal(any[at] != 0, at < size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_numbers_published),
        cmocka_unit_test(seeds_repeat_and_differ),
        cmocka_unit_test(ranges_are_even_and_kept_to),
        cmocka_unit_test(both_ends_of_a_range_are_reached),
        cmocka_unit_test(chances_come_true_as_often_as_said),
        cmocka_unit_test(any_number_of_bytes_is_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
