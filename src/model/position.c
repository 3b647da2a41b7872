/* Positions are short: digits are written by hand, since every answer has one. */
#include "model/position.h"

#include "base/check.h"
#include "base/decimal.h"
#include "base/limits.h"

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
        if (decimal_parse(rest, POSITION_INDEX_END - 1, &index) != STATUS_OK) return false;
        text.len = before;
    }
    if (decimal_parse(text, batch_max, &batch) != STATUS_OK) return false;
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
