/* rate.h - an exchange's rate: from the decimal that people quote to the fraction that decides. */
#ifndef MODEL_RATE_H
#define MODEL_RATE_H

#include "model/admin.h"

/*
 * A quote says how many major units of the counter asset one major unit of the asset is: "1.0842"
 * for EUR to USD. A rate counts minor units, so the decimals of both assets come in; it is exact,
 * in lowest terms, and both of its numbers are below 2^63.
 */
enum {
    RATE_DECIMALS_MAX = 18,
    RATE_TEXT_SIZE = 64, /* 19 digits times 10^18, a point, 18 + 18 decimals, terminated */
};

/* The pair that is quoted. */
struct rate_pair {
    uint32_t asset;
    uint32_t counter_asset;
    uint8_t exponent;
    uint8_t counter_exponent;
};

/*
 * NULL, or a static sentence of what the text must be. "0" is a rate too: it withdraws the pair.
 */
const char *rate_parse(struct str text, const struct rate_pair *pair, struct rate *out_rate)
    MUST_CHECK;

/* The decimal that was parsed, without trailing zeros; cut off at 18 decimals. */
struct str rate_format(const struct rate *rate, const struct rate_pair *pair,
                       char out_text[RATE_TEXT_SIZE]);

#endif
