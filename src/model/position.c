/* Positions are short: digits are read and written by hand, since every answer has one. */
#include "model/position.h"

#include "base/check.h"
#include "base/limits.h"

/* Digits without a leading zero, at most maximum. */
static bool number_take(struct str text, uint64_t maximum, uint64_t *out_value)
{
    if (text.len == 0 || text.len > 19 || (text.data[0] == '0' && text.len > 1)) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (value > maximum) return false;
    *out_value = value;
    return true;
}

bool position_parse(struct str text, struct position *out_position)
{
    CHECK(out_position != NULL);
    const uint64_t batch_max = (UINT64_C(1) << (64 - BATCH_OFFSET_BITS)) - 1;
    uint64_t batch = 0;
    uint64_t index = POSITION_INDEX_END;
    const char *dash = text.len == 0 ? NULL : memchr(text.data, '-', text.len);
    if (dash != NULL) {
        size_t before = (size_t)(dash - text.data);
        struct str rest = { dash + 1, text.len - before - 1 };
        if (!number_take(rest, POSITION_INDEX_END - 1, &index)) return false;
        text.len = before;
    }
    if (!number_take(text, batch_max, &batch)) return false;
    *out_position = (struct position){ .batch = batch, .index = (uint32_t)index };
    return true;
}

static size_t number_put(uint64_t value, char *text)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < count; i++) text[i] = digits[count - 1 - i];
    return count;
}

struct str position_format(struct position position, char text[POSITION_TEXT_SIZE])
{
    CHECK(text != NULL);
    size_t len = number_put(position.batch, text);
    if (position.index != POSITION_INDEX_END) {
        text[len++] = '-';
        len += number_put(position.index, text + len);
    }
    return (struct str){ text, len };
}
