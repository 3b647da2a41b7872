/* hash.h - fast hashes for tables and for finding damage; not for anything an enemy chooses. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

/*
 * XXH3, 64 bits, seed 0: the same on every machine and for ever, so it may be stored. It finds
 * damage by accident, not by intent: for that there is crypto/digest.h. Any thread.
 */
uint64_t hash_bytes(const void *data, size_t size);

/*
 * The same with a seed drawn at start, so that nobody outside can choose bytes that collide. Not to
 * be stored: it is good in this process alone.
 */
uint64_t hash_bytes_seeded(const void *data, size_t size, uint64_t seed);

/* Two words multiplied to 128 bits and folded: every bit of both reaches every bit of it. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * For tables in memory, with a seed drawn at start, so that nobody outside can choose ids that
 * collide. Not to be stored. All 64 bits are good: take a table's place from any of them.
 */
static inline uint64_t hash_uuid(struct uuid id, uint64_t seed)
{
    uint64_t mixed = hash_fold(id.lo ^ seed ^ 0xA0761D6478BD642FU, id.hi ^ 0xE7037ED1A0B428DBU);
    return hash_fold(mixed ^ 0x8EBC6AF09C88C6E3U, seed ^ 0x589965CC75374CC3U);
}

#endif
