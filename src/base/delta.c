#include "base/delta.h"

#include "base/check.h"

enum status delta_parse(struct str text, struct delta *out_delta)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    if (at == text.len) return STATUS_INVALID;
    if (text.data[at] == '0' && text.len > at + 1) return STATUS_INVALID;
    int128 value = 0;
    for (; at < text.len; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') return STATUS_INVALID;
        int digit = text.data[at] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value)) {
            return STATUS_LIMIT;
        }
    }
    out_delta->minor = value;
    return STATUS_OK;
}

struct str delta_format(struct delta delta, char text[DELTA_TEXT_SIZE])
{
    unsigned __int128 rest = delta_magnitude(delta);
    char *at = text + DELTA_TEXT_SIZE - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest != 0);
    if (delta.minor < 0) *--at = '-';
    return (struct str){ at, (size_t)(text + DELTA_TEXT_SIZE - 1 - at) };
}
