/* Eight digits at a time in one 64-bit word, first digit in the lowest byte. */
#include "base/hex.h"

#include "base/check.h"

static const uint64_t ONES = 0x0101010101010101U;
static const uint64_t TOPS = 0x8080808080808080U;

/* The top bit of each byte that is at least `bound`; bytes and bound below 128. */
static uint64_t bytes_at_least(uint64_t word, uint8_t bound)
{
    return (word + (0x80U - bound) * ONES) & TOPS;
}

static bool all_digits(uint64_t word)
{
    if ((word & TOPS) != 0) return false;
    uint64_t lower = word | 0x20 * ONES;
    uint64_t decimal = bytes_at_least(word, '0') & ~bytes_at_least(word, '9' + 1);
    uint64_t letter = bytes_at_least(lower, 'a') & ~bytes_at_least(lower, 'f' + 1);
    return (decimal | letter) == TOPS;
}

bool hex_take(const char digits[8], uint32_t *out_value)
{
    uint64_t word;
    memcpy(&word, digits, sizeof word);
    if (!all_digits(word)) return false;
    /* A letter has bit 6 and counts from 1: 'a' & 15 is 1, so 9 more. */
    word = (word & 0x0F * ONES) + (word >> 6 & ONES) * 9;
    word = (word << 4 | word >> 8) & 0x00FF00FF00FF00FFU;
    word = (word | word >> 8) & 0x0000FFFF0000FFFFU;
    *out_value = __builtin_bswap32((uint32_t)(word | word >> 16));
    return true;
}

void hex_put(uint32_t value, char out_digits[8])
{
    uint64_t word = __builtin_bswap32(value);
    word = (word | word << 16) & 0x0000FFFF0000FFFFU;
    word = (word | word << 8) & 0x00FF00FF00FF00FFU;
    word = (word >> 4 & 0x000F000F000F000FU) | (word & 0x000F000F000F000FU) << 8;
    uint64_t letters = (word + 6 * ONES) >> 4 & ONES;
    word += '0' * ONES + letters * ('a' - '0' - 10);
    memcpy(out_digits, &word, sizeof word);
}

struct str hex_format(const void *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    CHECK(bytes != NULL || size == 0);
    CHECK(text != NULL);
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
    text[2 * size] = '\0';
    return (struct str){ text, 2 * size };
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum status hex_parse(struct str text, void *out_bytes, size_t size)
{
    CHECK(out_bytes != NULL || size == 0);
    if (text.len != 2 * size) return STATUS_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (digit_value(text.data[i]) < 0) return STATUS_INVALID;
    }
    uint8_t *to = out_bytes;
    for (size_t i = 0; i < size; i++) {
        to[i] = (uint8_t)(digit_value(text.data[2 * i]) << 4 | digit_value(text.data[2 * i + 1]));
    }
    return STATUS_OK;
}
