/* xoshiro256** 1.0 (Blackman, Vigna), Lemire's bound. */
#include "base/prng.h"

#include <string.h>

#include "base/check.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
    return mixed ^ mixed >> 31;
}

static uint64_t rotate_left(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

void prng_init(struct prng *prng, uint64_t seed)
{
    CHECK(prng != NULL);
    /* Four draws of a bijection from different states are never all zero. */
    for (unsigned i = 0; i < 4; i++) prng->state[i] = splitmix(&seed);
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *state = prng->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    CHECK(bound > 0);
    unsigned __int128 product = (unsigned __int128)prng_next(prng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t uneven = -bound % bound; /* 2^64 modulo bound: these draws would favour some */
        while ((uint64_t)product < uneven) product = (unsigned __int128)prng_next(prng) * bound;
    }
    return (uint64_t)(product >> 64);
}

uint64_t prng_between(struct prng *prng, uint64_t first, uint64_t last)
{
    CHECK(first <= last);
    if (last - first == UINT64_MAX) return prng_next(prng);
    return first + prng_below(prng, last - first + 1);
}

bool prng_chance(struct prng *prng, uint64_t chances, uint64_t of)
{
    return prng_below(prng, of) < chances;
}

void prng_fill(struct prng *prng, void *out_bytes, size_t size)
{
    CHECK(out_bytes != NULL || size == 0);
    uint8_t *to = out_bytes;
    while (size > 0) {
        uint64_t word = prng_next(prng);
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(to, &word, part);
        to += part;
        size -= part;
    }
}
