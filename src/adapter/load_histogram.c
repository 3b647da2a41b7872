/* The upper bits of a latency choose the power of two, the next six the bucket in it. */
#include "adapter/load_histogram.h"

#include <stddef.h>

#include "base/check.h"

enum { SUB_COUNT = 1 << LOAD_HISTOGRAM_SUB_BITS };

static uint32_t bucket_of(uint64_t ns)
{
    if (ns < SUB_COUNT) return (uint32_t)ns;
    uint32_t top = 63 - (uint32_t)__builtin_clzll(ns); /* at least SUB_BITS */
    uint32_t shift = top - LOAD_HISTOGRAM_SUB_BITS;
    return (shift + 1) * SUB_COUNT + (uint32_t)(ns >> shift) - SUB_COUNT;
}

/* The largest latency that falls into the bucket. */
static uint64_t bucket_last(uint32_t bucket)
{
    if (bucket < SUB_COUNT) return bucket;
    uint32_t shift = bucket / SUB_COUNT - 1;
    uint64_t first = (uint64_t)(SUB_COUNT + bucket % SUB_COUNT) << shift;
    return first + (UINT64_C(1) << shift) - 1;
}

void load_histogram_record(struct load_histogram *histogram, uint64_t ns)
{
    CHECK(ns <= INT64_MAX);
    histogram->buckets[bucket_of(ns)]++;
    histogram->count++;
    histogram->sum_ns += ns;
    if (ns > histogram->max_ns) histogram->max_ns = ns;
}

uint64_t load_histogram_at(const struct load_histogram *histogram, uint32_t per_mille)
{
    CHECK(per_mille >= 1);
    CHECK(per_mille <= 1000);
    if (histogram->count == 0) return 0;
    /* The rank of the one asked for, rounded up; counts stay far below 2^54. */
    uint64_t rank = (histogram->count * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen < rank) continue;
        uint64_t last = bucket_last(i);
        return last < histogram->max_ns ? last : histogram->max_ns;
    }
    return histogram->max_ns;
}
