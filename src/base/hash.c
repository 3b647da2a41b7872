/* libxxhash, compiled in: its header alone is needed. */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"

uint64_t hash_bytes(const void *data, size_t size)
{
    CHECK(data != NULL || size == 0);
    return XXH3_64bits(data, size);
}

uint64_t hash_bytes_seeded(const void *data, size_t size, uint64_t seed)
{
    CHECK(data != NULL || size == 0);
    return XXH3_64bits_withSeed(data, size, seed);
}
