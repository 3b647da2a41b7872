/* money.h - amounts: unsigned 128-bit integers in minor units, every operation checked. */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

typedef unsigned __int128 uint128;

/* Minor units of some asset (cents of EUR, yen of JPY). The asset is kept beside it. */
struct money {
    uint128 minor;
};
_Static_assert(sizeof(struct money) == 16, "stored as it is");

enum {
    MONEY_EXPONENT_MAX = 18, /* decimals of an asset: 18 is what tokens use */
    MONEY_TEXT_SIZE = 48,    /* 39 digits, a point, a zero before it, a sign, a terminator */
};

#define MONEY_ZERO ((struct money){ 0 })
#define MONEY_MAX ((struct money){ ~(uint128)0 })

static inline struct money money_from_minor(uint64_t minor)
{
    return (struct money){ minor };
}
static inline bool money_is_zero(struct money a)
{
    return a.minor == 0;
}
static inline bool money_equal(struct money a, struct money b)
{
    return a.minor == b.minor;
}
static inline bool money_less(struct money a, struct money b)
{
    return a.minor < b.minor;
}
static inline struct money money_min(struct money a, struct money b)
{
    return a.minor < b.minor ? a : b;
}

/* False, and *out_sum unchanged, when the sum does not fit. */
static inline bool money_add(struct money a, struct money b, struct money *out_sum) MUST_CHECK;
static inline bool money_add(struct money a, struct money b, struct money *out_sum)
{
    uint128 sum;
    if (__builtin_add_overflow(a.minor, b.minor, &sum)) return false;
    out_sum->minor = sum;
    return true;
}

/* False, and *out_difference unchanged, when b is more than a. */
static inline bool money_subtract(struct money a, struct money b, struct money *out_difference)
    MUST_CHECK;
static inline bool money_subtract(struct money a, struct money b, struct money *out_difference)
{
    if (a.minor < b.minor) return false;
    out_difference->minor = a.minor - b.minor;
    return true;
}

/*
 * Decimal text in major units, as clients write it: digits, then optionally a point and one to
 * `exponent` digits ("12", "12.5", "12.50"). No sign, no exponent, no grouping, no leading
 * zeros but a single one before the point. STATUS_INVALID otherwise, and for more decimals
 * than the asset has (never rounded); STATUS_LIMIT when it passes 128 bits.
 */
enum status money_parse(struct str text, unsigned exponent, struct money *out_amount) MUST_CHECK;

/* The canonical text: all `exponent` decimals are written ("12.50", "12" when exponent is 0). */
struct str money_format(struct money amount, unsigned exponent, char text[MONEY_TEXT_SIZE]);

#endif
