/* 128 bits hold every product here: below 2^63 on one side, at most 10^18 on the other. */
#include "model/rate.h"

#include "base/check.h"
#include "base/money.h"

static uint128 greatest_divisor(uint128 a, uint128 b)
{
    while (b != 0) {
        uint128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void reduce(uint128 *a, uint128 *b)
{
    uint128 divisor = greatest_divisor(*a, *b);
    *a /= divisor;
    *b /= divisor;
}

static uint128 power_of_ten(unsigned exponent)
{
    uint128 power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
}

/* numerator * 10^exponent / denominator in lowest terms; false: over 128 bits on the way. */
static bool scale_up(uint128 *numerator, uint128 *denominator, unsigned exponent)
{
    uint128 factor = power_of_ten(exponent);
    reduce(&factor, denominator);
    if (*numerator > ~(uint128)0 / factor) return false;
    *numerator *= factor;
    return true;
}

const char *rate_parse(struct str text, const struct rate_pair *pair, struct rate *out_rate)
{
    CHECK(pair->exponent <= ASSET_EXPONENT_MAX && pair->counter_exponent <= ASSET_EXPONENT_MAX);
    struct money quoted;
    enum status status = money_parse(text, RATE_DECIMALS_MAX, &quoted);
    if (status == STATUS_LIMIT) return "is too large";
    if (status != STATUS_OK) {
        return "must be a string of digits, optionally with a point and up to 18 decimals: "
               "\"1.0842\"";
    }
    struct rate rate = { .asset = pair->asset, .counter_asset = pair->counter_asset };
    if (money_is_zero(quoted)) {
        rate.denominator = 1;
        *out_rate = rate;
        return NULL;
    }
    uint128 numerator = quoted.minor;
    uint128 denominator = power_of_ten(RATE_DECIMALS_MAX);
    reduce(&numerator, &denominator);
    bool fits = scale_up(&numerator, &denominator, pair->counter_exponent);
    if (fits) fits = scale_up(&denominator, &numerator, pair->exponent);
    if (!fits || numerator >> 63 != 0) {
        return "is too large or too fine: minor units of to_asset per minor unit, as a fraction in "
               "lowest terms, must have a numerator below 2^63";
    }
    if (denominator >> 63 != 0) {
        return "is too small or too fine: minor units of to_asset per minor unit, as a fraction in "
               "lowest terms, must have a denominator below 2^63";
    }
    rate.numerator = (uint64_t)numerator;
    rate.denominator = (uint64_t)denominator;
    *out_rate = rate;
    return NULL;
}

struct str rate_format(const struct rate *rate, const struct rate_pair *pair,
                       char out_text[RATE_TEXT_SIZE])
{
    CHECK(rate->denominator != 0);
    CHECK(rate->numerator >> 63 == 0 && rate->denominator >> 63 == 0);
    CHECK(pair->exponent <= ASSET_EXPONENT_MAX && pair->counter_exponent <= ASSET_EXPONENT_MAX);
    uint128 above = rate->numerator * power_of_ten(pair->exponent);
    uint128 below = rate->denominator * power_of_ten(pair->counter_exponent);
    char whole[MONEY_TEXT_SIZE];
    struct str digits = money_format((struct money){ above / below }, 0, whole);
    CHECK(digits.len + 2 + RATE_DECIMALS_MAX <= RATE_TEXT_SIZE);
    memcpy(out_text, digits.data, digits.len);
    size_t len = digits.len;
    size_t shown = len; /* without zeros at the end */
    out_text[len++] = '.';
    uint128 rest = above % below;
    for (unsigned i = 0; i < RATE_DECIMALS_MAX && rest != 0; i++) {
        rest *= 10;
        out_text[len++] = (char)('0' + (int)(rest / below));
        rest %= below;
        if (out_text[len - 1] != '0') shown = len;
    }
    out_text[shown] = '\0';
    return (struct str){ out_text, shown };
}
