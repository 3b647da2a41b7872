/*
 * Goal: the choice leaves the least money unexplained, then is the smallest; ties are seen.
 * Method: small sets by hand; then random sets against all choices tried by a naive twin.
 */
#include "doctor/select.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"

enum { FINDINGS = 8, CANDIDATES = 6 };

static struct arena arena;
static uint32_t explains[CANDIDATES][FINDINGS];
static struct candidate candidates[CANDIDATES];

static void candidate_set(uint32_t place, uint32_t rule, uint32_t mask)
{
    uint32_t count = 0;
    for (uint32_t f = 0; f < FINDINGS; f++) {
        if ((mask >> f & 1) != 0) explains[place][count++] = f;
    }
    candidates[place] = (struct candidate){
        .explains = explains[place], .explain_count = count, .rule = rule, .description = 1
    };
}

static void choose(uint32_t count, const unsigned __int128 *weights)
{
    bool cut = true;
    arena_done(&arena);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    assert_int_equal(select_causes(candidates, count, weights, FINDINGS, &arena, &cut), STATUS_OK);
    assert_false(cut);
}

static void one_that_explains_all_beats_two_that_explain_parts(void **state)
{
    (void)state; /* no fixture is needed */
    static const unsigned __int128 weights[FINDINGS] = { 5, 5, 0, 0, 0, 0, 0, 0 };
    candidate_set(0, 0, 1);
    candidate_set(1, 1, 2);
    candidate_set(2, 2, 3);
    choose(3, weights);
    assert_true(!candidates[0].selected && !candidates[1].selected && candidates[2].selected);
    assert_false(candidates[0].rival);
}

static void money_goes_before_numbers(void **state)
{
    (void)state; /* no fixture is needed */
    static const unsigned __int128 weights[FINDINGS] = { 100, 0, 0, 0, 0, 0, 0, 0 };
    candidate_set(0, 0, 1);
    candidate_set(1, 1, 6);
    candidates[0].missing = 9; /* costs less than leaving money unexplained */
    choose(2, weights);
    assert_true(candidates[0].selected && candidates[1].selected);
}

static void equals_are_rivals_and_unknowns_decide(void **state)
{
    (void)state; /* no fixture is needed */
    static const unsigned __int128 weights[FINDINGS] = { 7, 0, 0, 0, 0, 0, 0, 0 };
    candidate_set(0, 0, 1);
    candidate_set(1, 1, 1);
    choose(2, weights);
    assert_true(candidates[0].selected && !candidates[1].selected && candidates[1].rival);
    candidate_set(0, 0, 1);
    candidate_set(1, 1, 1);
    candidates[0].unknown = 1;
    choose(2, weights);
    assert_true(!candidates[0].selected && candidates[1].selected && !candidates[0].rival);
}

/* Money and findings that a choice leaves, as a twin that knows no groups counts them. */
static void left_by(uint32_t chosen, uint32_t all, const unsigned __int128 *weights,
                    unsigned __int128 *out_money, uint32_t *out_size)
{
    uint32_t mask = 0;
    *out_money = 0;
    *out_size = (uint32_t)__builtin_popcount(chosen);
    for (uint32_t i = 0; i < CANDIDATES; i++) {
        if ((chosen >> i & 1) == 0) continue;
        for (uint32_t k = 0; k < candidates[i].explain_count; k++) mask |= 1U << explains[i][k];
    }
    for (uint32_t f = 0; f < FINDINGS; f++) {
        if ((mask >> f & 1) == 0 && (all >> f & 1) != 0) *out_money += weights[f];
    }
}

static void no_choice_of_a_naive_twin_is_better(void **state)
{
    (void)state; /* no fixture is needed */
    struct prng prng;
    prng_init(&prng, 7);
    for (int round = 0; round < 300; round++) {
        unsigned __int128 weights[FINDINGS];
        uint32_t all = 0;
        for (uint32_t f = 0; f < FINDINGS; f++) weights[f] = prng_below(&prng, 50) + 1;
        for (uint32_t i = 0; i < CANDIDATES; i++) {
            uint32_t mask = (uint32_t)prng_below(&prng, 1U << FINDINGS);
            candidate_set(i, i, mask);
            all |= mask;
        }
        choose(CANDIDATES, weights);
        uint32_t chosen = 0;
        for (uint32_t i = 0; i < CANDIDATES; i++) chosen |= (uint32_t)candidates[i].selected << i;
        unsigned __int128 least;
        uint32_t size;
        left_by(chosen, all, weights, &least, &size);
        for (uint32_t other = 0; other < 1U << CANDIDATES; other++) {
            unsigned __int128 money;
            uint32_t other_size;
            left_by(other, all, weights, &money, &other_size);
            assert_true(money > least || (money == least && other_size >= size));
        }
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_explains_all_beats_two_that_explain_parts),
        cmocka_unit_test(money_goes_before_numbers),
        cmocka_unit_test(equals_are_rivals_and_unknowns_decide),
        cmocka_unit_test(no_choice_of_a_naive_twin_is_better),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
