/*
 * Goal: quantiles are right to 1/32, from one nanosecond to hours.
 * Method: known series over the whole range, compared with the exact value.
 */
#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void empty_has_no_quantile(void **state)
{
    (void)state;
    static struct histogram histogram;
    assert_int_equal(histogram_quantile(&histogram, 500), 0);
}

static void quantiles_are_within_their_bucket(void **state)
{
    (void)state;
    for (uint64_t scale = 1; scale < UINT64_C(1) << 50; scale *= 7) {
        static struct histogram histogram;
        memset(&histogram, 0, sizeof histogram);
        for (uint64_t i = 1; i <= 1000; i++) histogram_add(&histogram, i * scale);
        for (uint32_t per_mille = 1; per_mille <= 1000; per_mille++) {
            uint64_t exact = per_mille * scale;
            uint64_t found = histogram_quantile(&histogram, per_mille);
            assert_true(found >= exact);
            assert_true(found <= exact + exact / 32 + 1);
        }
        assert_int_equal(histogram.max, 1000 * scale);
    }
}

static void merged_is_as_if_added_to_one(void **state)
{
    (void)state;
    static struct histogram one, two, both;
    for (uint64_t i = 0; i < 5000; i++) {
        histogram_add(i % 3 == 0 ? &one : &two, i * i);
        histogram_add(&both, i * i);
    }
    histogram_merge(&one, &two);
    assert_memory_equal(&one, &both, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_has_no_quantile),
        cmocka_unit_test(quantiles_are_within_their_bucket),
        cmocka_unit_test(merged_is_as_if_added_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
