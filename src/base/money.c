/* Decimal text to minor units and back, exactly. */
#include "base/money.h"

#include "base/check.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 64-bit arithmetic is several times faster than 128-bit, and amounts seldom need more. */
static bool append_digit(uint128 *value, unsigned digit)
{
    if (*value <= UINT64_MAX / 16) {
        *value = (uint64_t)*value * 10 + digit;
        return true;
    }
    uint128 next;
    if (__builtin_mul_overflow(*value, (uint128)10, &next)) return false;
    if (__builtin_add_overflow(next, (uint128)digit, &next)) return false;
    *value = next;
    return true;
}

/* Reads digits from *at on, stops at anything else. STATUS_LIMIT when they pass 128 bits. */
static enum status digits_read(struct str text, size_t *at, uint128 *value)
{
    while (*at < text.len && is_digit(text.data[*at])) {
        if (!append_digit(value, (unsigned)(text.data[*at] - '0'))) return STATUS_LIMIT;
        *at += 1;
    }
    return STATUS_OK;
}

enum status money_parse(struct str text, unsigned exponent, struct money *out_amount)
{
    CHECK(out_amount != NULL);
    CHECK(exponent <= MONEY_EXPONENT_MAX);
    uint128 value = 0;
    size_t at = 0;
    enum status status = digits_read(text, &at, &value);
    if (status != STATUS_OK) return status;
    if (at == 0) return STATUS_INVALID;
    if (at > 1 && text.data[0] == '0') return STATUS_INVALID;
    size_t decimals = 0;
    if (at < text.len) {
        if (text.data[at] != '.') return STATUS_INVALID;
        size_t first = ++at;
        status = digits_read(text, &at, &value);
        if (status != STATUS_OK) return status;
        decimals = at - first;
        if (decimals == 0 || at < text.len || decimals > exponent) return STATUS_INVALID;
    }
    for (; decimals < exponent; decimals++) {
        if (!append_digit(&value, 0)) return STATUS_LIMIT;
    }
    out_amount->minor = value;
    return STATUS_OK;
}

static unsigned take_last_digit(uint128 *value)
{
    if (*value <= UINT64_MAX) {
        uint64_t small = (uint64_t)*value;
        *value = small / 10;
        return (unsigned)(small % 10);
    }
    unsigned digit = (unsigned)(*value % 10);
    *value /= 10;
    return digit;
}

struct str money_format(struct money amount, unsigned exponent, char text[MONEY_TEXT_SIZE])
{
    CHECK(exponent <= MONEY_EXPONENT_MAX);
    size_t at = MONEY_TEXT_SIZE;
    text[--at] = '\0';
    uint128 rest = amount.minor;
    unsigned written = 0;
    while (rest != 0 || written <= exponent) {
        if (written == exponent && exponent != 0) text[--at] = '.';
        text[--at] = (char)('0' + take_last_digit(&rest));
        written++;
    }
    return (struct str){ text + at, MONEY_TEXT_SIZE - 1 - at };
}
