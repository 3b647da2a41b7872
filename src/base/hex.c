/* Byte by byte: the fast pair is inline in the header. */
#include "base/hex.h"

#include "base/check.h"

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
