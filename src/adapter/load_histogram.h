/* load_histogram.h - latencies in buckets of one per cent width, so that percentiles cost nothing. */
#ifndef ADAPTER_LOAD_HISTOGRAM_H
#define ADAPTER_LOAD_HISTOGRAM_H

#include <stdint.h>

/*
 * Nanoseconds from 0 to 2^63 - 1, in 64 buckets for each power of two: what is read back is at
 * most 1/64 above what was recorded. A zeroed struct is empty. One thread at a time; give each
 * its own, and add them up.
 */
enum { LOAD_HISTOGRAM_SUB_BITS = 6, LOAD_HISTOGRAM_BUCKETS = (64 - LOAD_HISTOGRAM_SUB_BITS) * 64 };

struct load_histogram {
    uint64_t count;
    uint64_t sum_ns; /* wraps after 584 years of waiting */
    uint64_t max_ns; /* exact */
    uint64_t buckets[LOAD_HISTOGRAM_BUCKETS];
};

void load_histogram_record(struct load_histogram *histogram, uint64_t ns);

/*
 * The latency that `per_mille` of a thousand do not exceed: 500 is the median, 999 the 99.9th
 * percentile; 1..1000. 0 when nothing was recorded.
 */
uint64_t load_histogram_at(const struct load_histogram *histogram, uint32_t per_mille);

#endif
