/* prng.h - repeatable random numbers from a seed: for tests, the simulator and the bench. */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * xoshiro256** seeded by splitmix64: the same seed gives the same numbers on every machine and
 * for ever. Never for keys, ids or secrets: those come from port/entropy.h. One thread at a
 * time; give each its own.
 */
struct prng {
    uint64_t state[4];
};

/* Any seed is good; nearby seeds give unrelated numbers. */
void prng_init(struct prng *prng, uint64_t seed);

/* All 64 bits are good. */
uint64_t prng_next(struct prng *prng);

/* Even over [0, bound), without bias; bound at least 1. */
uint64_t prng_below(struct prng *prng, uint64_t bound);

/* Even over [first, last], both included; first at most last. */
uint64_t prng_between(struct prng *prng, uint64_t first, uint64_t last);

/* True in `chances` of `of` cases; of at least 1. */
bool prng_chance(struct prng *prng, uint64_t chances, uint64_t of);

void prng_fill(struct prng *prng, void *out_bytes, size_t size);

#endif
