/*
 * Goal: signed amounts are read, written and counted exactly, and refused where they do not fit.
 * Method: tables at the edges of 64 and 128 bits; each text comes back as it was.
 */
#include "base/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LARGEST "170141183460469231731687303715884105727"
#define SMALLEST "-170141183460469231731687303715884105728"

static void texts_come_back_as_they_were(void **state)
{
    static const char *const texts[] = {
        "0", "-1", "7", "9223372036854775808", "-9223372036854775809", LARGEST, SMALLEST
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct delta delta = { 99 };
        assert_int_equal(delta_parse(str_from(texts[i]), &delta), STATUS_OK);
        char text[DELTA_TEXT_SIZE];
        assert_true(str_equal(delta_format(delta, text), str_from(texts[i])));
    }
}

static void what_is_no_amount_is_refused(void **state)
{
    static const char *const texts[] = { "", "-", "+1", "01", "-01", "1.0", "1e3", " 1", "x" };
    (void)state; /* no fixture is needed */
    struct delta delta = { 99 };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(delta_parse(str_from(texts[i]), &delta), STATUS_INVALID);
    }
    assert_int_equal(delta_parse(STR("170141183460469231731687303715884105728"), &delta),
                     STATUS_LIMIT);
    assert_int_equal(delta_parse(STR("-170141183460469231731687303715884105729"), &delta),
                     STATUS_LIMIT);
    assert_true(delta.minor == 99);
}

static void what_does_not_fit_is_not_counted(void **state)
{
    (void)state; /* no fixture is needed */
    struct delta largest = { 0 };
    struct delta smallest = { 0 };
    struct delta sum = { 5 };
    assert_int_equal(delta_parse(STR(LARGEST), &largest), STATUS_OK);
    assert_int_equal(delta_parse(STR(SMALLEST), &smallest), STATUS_OK);
    assert_false(delta_add(largest, (struct delta){ 1 }, &sum));
    assert_false(delta_subtract(smallest, (struct delta){ 1 }, &sum));
    assert_false(delta_multiply(smallest, (struct delta){ -1 }, &sum));
    assert_true(sum.minor == 5);
    assert_true(delta_add(largest, smallest, &sum));
    assert_true(sum.minor == -1);
    assert_true(delta_magnitude(smallest) == (unsigned __int128)1 << 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back_as_they_were),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(what_does_not_fit_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
