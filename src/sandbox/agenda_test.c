/*
 * Goal: entries come out by time, and for equal times in the order in which they were added.
 * Method: a random walk of adds and takes beside a list that is searched through; the limit.
 */
#include "sandbox/agenda.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/prng.h"

enum { ENTRIES_MAX = 200, STEPS = 20000 };

static uint32_t naive_first(const struct agenda_entry *list, uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (list[i].due.ns < list[best].due.ns) best = i; /* of equals the one added first */
    return best;
}

static void walk_agrees_with_a_list(void **state)
{
    (void)state; /* no fixture */
    struct agenda agenda;
    assert_int_equal(agenda_init(&agenda, ENTRIES_MAX), STATUS_OK);
    struct agenda_entry list[ENTRIES_MAX];
    uint32_t count = 0;
    struct prng prng;
    prng_init(&prng, 5);
    for (uint32_t step = 0; step < STEPS; step++) {
        bool add = count == 0 || (count < ENTRIES_MAX && prng_chance(&prng, 11, 20));
        if (add) {
            struct wall_time due = { (int64_t)prng_below(&prng, 40) };
            list[count++] = (struct agenda_entry){ .due = due, .subject = step, .what = step / 3 };
            agenda_add(&agenda, due, step, step / 3);
        } else {
            uint32_t first = naive_first(list, count);
            struct agenda_entry taken = agenda_take(&agenda);
            assert_int_equal(taken.subject, list[first].subject);
            assert_int_equal(taken.what, list[first].what);
            for (uint32_t i = first; i + 1 < count; i++) list[i] = list[i + 1];
            count--;
        }
        assert_int_equal(agenda_check(&agenda), STATUS_OK);
        const struct agenda_entry *next = agenda_first(&agenda);
        assert_true((next == NULL) == (count == 0));
        if (next != NULL) assert_int_equal(next->subject, list[naive_first(list, count)].subject);
    }
    agenda_free(&agenda);
}

static void check_finds_a_broken_order(void **state)
{
    (void)state; /* no fixture */
    struct agenda agenda;
    assert_int_equal(agenda_init(&agenda, 4), STATUS_OK);
    for (int64_t due = 1; due <= 3; due++) agenda_add(&agenda, (struct wall_time){ due }, 0, 0);
    agenda.heap[2].due.ns = 0;
    assert_int_equal(agenda_check(&agenda), STATUS_CORRUPT);
    agenda_free(&agenda);
}

static void add_to_a_full_one(void *argument)
{
    agenda_add(argument, (struct wall_time){ 1 }, 0, 0);
}

static void more_than_reserved_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    struct agenda agenda;
    assert_int_equal(agenda_init(&agenda, 1), STATUS_OK);
    agenda_add(&agenda, (struct wall_time){ 1 }, 0, 0);
    assert_true(dies(add_to_a_full_one, &agenda));
    agenda_free(&agenda);
    agenda_free(&agenda); /* accepts a zeroed one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_agrees_with_a_list),
        cmocka_unit_test(check_finds_a_broken_order),
        cmocka_unit_test(more_than_reserved_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
