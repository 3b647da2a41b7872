/* hex.h - hexadecimal digits in and out: the one encoder and decoder. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/*
 * Eight digits as a number and back, most significant digit first; digits are read in either
 * case and written in lower case. Without a branch for each digit, since ids pass through here
 * for every transfer. hex_take is false, and *out_value unchanged, when one of the eight
 * characters is no digit. Neither reads or writes a terminator.
 */
bool hex_take(const char digits[8], uint32_t *out_value) MUST_CHECK;
void hex_put(uint32_t value, char out_digits[8]);

/* Writes 2 * size lower-case digits and a terminator; text must have room for them. */
struct str hex_format(const void *bytes, size_t size, char *text);

/* Exactly 2 * size digits of either case into size bytes; else STATUS_INVALID. */
enum status hex_parse(struct str text, void *out_bytes, size_t size) MUST_CHECK;

#endif
