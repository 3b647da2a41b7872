#include "base/decimal.h"

enum status decimal_parse(struct str text, uint64_t maximum, uint64_t *out_value)
{
    if (text.len == 0 || (text.data[0] == '0' && text.len > 1)) return STATUS_INVALID;
    uint64_t value = 0;
    bool fits = true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return STATUS_INVALID;
        fits = fits && !__builtin_mul_overflow(value, UINT64_C(10), &value) &&
               !__builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value);
    }
    if (!fits || value > maximum) return STATUS_LIMIT;
    *out_value = value;
    return STATUS_OK;
}
