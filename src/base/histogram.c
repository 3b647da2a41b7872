/* Small values have a bucket each; above, the leading bit and the five after it choose one. */
#include "base/histogram.h"

#include "base/check.h"

static uint32_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_PARTS) return (uint32_t)value;
    uint32_t leading = 63 - (uint32_t)__builtin_clzll(value);
    uint32_t part = (uint32_t)(value >> (leading - 5)) & (HISTOGRAM_PARTS - 1);
    return (leading - 4) * HISTOGRAM_PARTS + part;
}

static uint64_t bucket_end(uint32_t bucket)
{
    if (bucket < HISTOGRAM_PARTS) return bucket;
    uint32_t leading = bucket / HISTOGRAM_PARTS + 4;
    uint64_t begin = (uint64_t)(HISTOGRAM_PARTS + bucket % HISTOGRAM_PARTS) << (leading - 5);
    return begin + (UINT64_C(1) << (leading - 5)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max) histogram->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) into->counts[i] += from->counts[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max) into->max = from->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t per_mille)
{
    CHECK(per_mille <= 1000);
    uint64_t wanted = (histogram->count * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen < wanted || seen == 0) continue;
        uint64_t end = bucket_end(i);
        return end < histogram->max ? end : histogram->max;
    }
    return 0;
}
