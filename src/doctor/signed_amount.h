/* signed_amount.h - money with a sign, as statements have it: 128 bits, every operation checked. */
#ifndef DOCTOR_SIGNED_AMOUNT_H
#define DOCTOR_SIGNED_AMOUNT_H

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

typedef __int128 int128;

/* Minor units of some asset, which is kept beside it. */
struct signed_amount {
    int128 minor;
};

enum { SIGNED_AMOUNT_TEXT_SIZE = 48 }; /* 39 digits, a sign, a point, a zero, a terminator */

#define SIGNED_AMOUNT_MAX ((int128)(~(unsigned __int128)0 >> 1))

/* False, and *out_amount unchanged, when the result does not fit. */
bool signed_amount_add(struct signed_amount a, struct signed_amount b,
                       struct signed_amount *out_amount) MUST_CHECK;
bool signed_amount_subtract(struct signed_amount a, struct signed_amount b,
                            struct signed_amount *out_amount) MUST_CHECK;
/* -1, 0, 1. */
int signed_amount_compare(struct signed_amount a, struct signed_amount b);

/* How a statement writes amounts. */
struct signed_amount_form {
    unsigned exponent;   /* decimals of the asset */
    char point;          /* '.' or ',' */
    char group;          /* what may stand between groups of three digits; 0: nothing */
    bool minor;          /* whole minor units: no point at all */
    bool decimals_exact; /* never more than `exponent` of them, zeros neither */
};

/*
 * A sign ('+', '-' before or '-' behind) or parentheses for less than nothing, digits, and at most
 * `exponent` decimals behind the point (further ones must be zeros: never rounded; none at all with
 * decimals_exact). Groups have three digits. STATUS_INVALID otherwise; STATUS_LIMIT beyond 127 bits.
 */
enum status signed_amount_parse(struct str text, const struct signed_amount_form *form,
                                struct signed_amount *out_amount) MUST_CHECK;

/* The canonical text with all decimals: "-12.50". */
struct str signed_amount_format(struct signed_amount amount, unsigned exponent,
                                char text[SIGNED_AMOUNT_TEXT_SIZE]);

#endif
