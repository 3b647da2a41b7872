/* histogram.h - how often which duration occurred: fixed memory, any range, 3 % resolution. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

/*
 * Buckets are powers of two, each cut into 32: so a value is known to 1/32 of itself. A zeroed
 * struct is empty. One task at a time; merge those of several.
 */
enum { HISTOGRAM_PARTS = 32, HISTOGRAM_BUCKETS = 60 * HISTOGRAM_PARTS };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum;
    uint64_t max;
};

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value below or at which per_mille of 1,000 lie (990: p99), as its bucket's upper end; 0 when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t per_mille);

#endif
