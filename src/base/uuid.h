/* uuid.h - 128-bit identifiers: UUIDv7 (RFC 9562) made, derived, parsed and printed. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/* hi holds the first eight octets of RFC 9562 as a number, lo the last eight: so numeric order
 * is textual order, and UUIDv7 is ordered by its millisecond. All zero is "none". */
struct uuid {
    uint64_t lo;
    uint64_t hi;
};
_Static_assert(sizeof(struct uuid) == 16, "stored as it is");

enum { UUID_TEXT_LEN = 36 };

static inline bool uuid_equal(struct uuid a, struct uuid b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

static inline bool uuid_is_nil(struct uuid id)
{
    return (id.hi | id.lo) == 0;
}

/* Negative, zero, positive, as textual order is. */
static inline int uuid_compare(struct uuid a, struct uuid b)
{
    if (a.hi != b.hi) return a.hi < b.hi ? -1 : 1;
    return a.lo == b.lo ? 0 : a.lo < b.lo ? -1 : 1;
}

/* RFC 9562 section 5.7: 48 bits of unix_ms, then 74 of the 128 random bits given. */
struct uuid uuid_v7(uint64_t unix_ms, const uint64_t random[2]);

/*
 * The id of a step inside an operation (rule of ids): keeps the time prefix, version and
 * variant of root; step 0 is root itself; two steps of one root never collide, and (but for a
 * wrap in one of 2^30 roots) later steps sort after earlier ones.
 */
struct uuid uuid_derive(struct uuid root, uint32_t step);

/* The 36 characters 8-4-4-4-12, either case. STATUS_INVALID otherwise. */
enum status uuid_parse(struct str text, struct uuid *out_id) MUST_CHECK;

/* Writes 36 lower-case characters and a terminator. */
void uuid_format(struct uuid id, char out_text[UUID_TEXT_LEN + 1]);

#endif
