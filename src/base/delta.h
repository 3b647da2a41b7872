/* delta.h - signed amounts: differences in minor units, 128 bits, every operation checked. */
#ifndef BASE_DELTA_H
#define BASE_DELTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

typedef __int128 int128;

struct delta {
    int128 minor;
};

enum { DELTA_TEXT_SIZE = 48 }; /* 39 digits, a sign, a terminator */

#define DELTA_ZERO ((struct delta){ 0 })

/* An optional '-' and digits without leading zeros. STATUS_INVALID; STATUS_LIMIT beyond 128 bits. */
enum status delta_parse(struct str text, struct delta *out_delta) MUST_CHECK;
struct str delta_format(struct delta delta, char text[DELTA_TEXT_SIZE]);

/* False, and nothing written, when it does not fit. */
static inline bool delta_add(struct delta a, struct delta b, struct delta *out_sum) MUST_CHECK;
static inline bool delta_add(struct delta a, struct delta b, struct delta *out_sum)
{
    int128 sum;
    if (__builtin_add_overflow(a.minor, b.minor, &sum)) return false;
    out_sum->minor = sum;
    return true;
}

static inline bool delta_subtract(struct delta a, struct delta b, struct delta *out_difference)
    MUST_CHECK;
static inline bool delta_subtract(struct delta a, struct delta b, struct delta *out_difference)
{
    int128 difference;
    if (__builtin_sub_overflow(a.minor, b.minor, &difference)) return false;
    out_difference->minor = difference;
    return true;
}

static inline bool delta_multiply(struct delta a, struct delta b, struct delta *out_product)
    MUST_CHECK;
static inline bool delta_multiply(struct delta a, struct delta b, struct delta *out_product)
{
    int128 product;
    if (__builtin_mul_overflow(a.minor, b.minor, &product)) return false;
    out_product->minor = product;
    return true;
}

static inline bool delta_is_zero(struct delta delta)
{
    return delta.minor == 0;
}

/* The magnitude; fits for every delta. */
static inline unsigned __int128 delta_magnitude(struct delta delta)
{
    return delta.minor < 0 ? -(unsigned __int128)delta.minor : (unsigned __int128)delta.minor;
}

#endif
