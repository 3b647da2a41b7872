/*
 * Goal: percentiles are those of the latencies recorded, at most 1/64 too high, over the whole
 * range, and adding histograms is recording into one.
 * Method: a naive twin that sorts, over latencies of every magnitude; the edges by hand.
 */
#include "adapter/load_histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"

enum { SAMPLES = 5000 };

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void percentiles_agree_with_sorting(void **state)
{
    (void)state;
    static struct load_histogram histogram;
    static uint64_t samples[SAMPLES];
    struct prng prng;
    prng_init(&prng, 7);
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = prng_next(&prng) >> prng_between(&prng, 1, 63);
        load_histogram_record(&histogram, samples[i]);
    }
    qsort(samples, SAMPLES, sizeof samples[0], ascending);
    for (uint32_t per_mille = 1; per_mille <= 1000; per_mille++) {
        uint64_t exact = samples[(SAMPLES * per_mille + 999) / 1000 - 1];
        uint64_t read = load_histogram_at(&histogram, per_mille);
        assert_true(read >= exact);
        assert_true(read - exact <= exact / 64);
    }
    assert_int_equal(load_histogram_at(&histogram, 1000), samples[SAMPLES - 1]);
}

static void edges_of_the_range_are_kept(void **state)
{
    (void)state;
    const uint64_t edges[] = {
        0, 1, 63, 64, 65, 127, 128, (UINT64_C(1) << 62) - 1, UINT64_C(1) << 62, INT64_MAX
    };
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        static struct load_histogram histogram;
        histogram = (struct load_histogram){ 0 };
        load_histogram_record(&histogram, edges[i]);
        assert_int_equal(load_histogram_at(&histogram, 500), edges[i]);
        assert_int_equal(histogram.max_ns, edges[i]);
    }
}

static void an_empty_one_has_no_latency(void **state)
{
    (void)state;
    static const struct load_histogram histogram;
    assert_int_equal(load_histogram_at(&histogram, 999), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_agree_with_sorting),
        cmocka_unit_test(edges_of_the_range_are_kept),
        cmocka_unit_test(an_empty_one_has_no_latency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
