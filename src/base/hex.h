/* hex.h - hexadecimal digits in and out: the one encoder and decoder. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/* One byte in each of eight; a word holds eight characters, the first in the lowest byte. */
#define HEX_ONES UINT64_C(0x0101010101010101)

/* The top bit of each byte that is at least `bound`; bytes and bound below 128. */
static inline uint64_t hex_at_least(uint64_t word, uint8_t bound)
{
    return (word + (0x80U - bound) * HEX_ONES) & 0x80 * HEX_ONES;
}

static inline bool hex_all_digits(uint64_t word)
{
    uint64_t lower = word | 0x20 * HEX_ONES;
    uint64_t decimal = hex_at_least(word, '0') & ~hex_at_least(word, '9' + 1);
    uint64_t letter = hex_at_least(lower, 'a') & ~hex_at_least(lower, 'f' + 1);
    return (word & 0x80 * HEX_ONES) == 0 && (decimal | letter) == 0x80 * HEX_ONES;
}

/*
 * Eight digits as a number and back, most significant digit first; digits are read in either
 * case and written in lower case. Inline, and without a branch for each digit, since four ids
 * pass through here for every transfer. hex_take is false, and *out_value unchanged, when one
 * of the eight characters is no digit. Neither reads or writes a terminator.
 */
static inline bool hex_take(const char digits[8], uint32_t *out_value) MUST_CHECK;
static inline bool hex_take(const char digits[8], uint32_t *out_value)
{
    uint64_t word;
    memcpy(&word, digits, sizeof word);
    if (!hex_all_digits(word)) return false;
    /* A letter has bit 6 and counts from 1: 'a' & 15 is 1, so 9 more. */
    word = (word & 0x0F * HEX_ONES) + (word >> 6 & HEX_ONES) * 9;
    word = (word << 4 | word >> 8) & 0x00FF00FF00FF00FFU;
    word = (word | word >> 8) & 0x0000FFFF0000FFFFU;
    *out_value = __builtin_bswap32((uint32_t)(word | word >> 16));
    return true;
}

static inline void hex_put(uint32_t value, char out_digits[8])
{
    uint64_t word = __builtin_bswap32(value);
    word = (word | word << 16) & 0x0000FFFF0000FFFFU;
    word = (word | word << 8) & 0x00FF00FF00FF00FFU;
    word = (word >> 4 & 0x000F000F000F000FU) | (word & 0x000F000F000F000FU) << 8;
    uint64_t letters = (word + 6 * HEX_ONES) >> 4 & HEX_ONES;
    word += '0' * HEX_ONES + letters * ('a' - '0' - 10);
    memcpy(out_digits, &word, sizeof word);
}

/* Writes 2 * size lower-case digits and a terminator; text must have room for them. */
struct str hex_format(const void *bytes, size_t size, char *text);

/* Exactly 2 * size digits of either case into size bytes; else STATUS_INVALID. */
enum status hex_parse(struct str text, void *out_bytes, size_t size) MUST_CHECK;

#endif
