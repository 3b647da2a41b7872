/* Looked at whole before anything is written, so that a refusal leaves the output alone. */
#include "base/base64.h"

#include <stdint.h>

#include "base/check.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str base64_format(const void *bytes, size_t size, char *text)
{
    CHECK(bytes != NULL || size == 0);
    CHECK(text != NULL);
    const uint8_t *from = bytes;
    char *to = text;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)from[i] << 16;
        if (left > 1) group |= (uint32_t)from[i + 1] << 8;
        if (left > 2) group |= from[i + 2];
        *to++ = ALPHABET[group >> 18];
        *to++ = ALPHABET[group >> 12 & 63];
        *to++ = left > 1 ? ALPHABET[group >> 6 & 63] : '=';
        *to++ = left > 2 ? ALPHABET[group & 63] : '=';
    }
    *to = '\0';
    return (struct str){ text, (size_t)(to - text) };
}

void base64_append(struct buf *buf, const void *bytes, size_t size)
{
    enum { SIZE_AT_ONCE = 48 };
    char text[BASE64_TEXT_SIZE(SIZE_AT_ONCE)];
    for (size_t i = 0; i < size; i += SIZE_AT_ONCE) {
        size_t some = size - i < SIZE_AT_ONCE ? size - i : SIZE_AT_ONCE;
        buf_append_str(buf, base64_format((const uint8_t *)bytes + i, some, text));
    }
}

/* 64 and more: no character of the alphabet. */
static uint32_t digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0') + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return 64;
}

static bool is_canonical(struct str text, size_t padding)
{
    size_t digits = text.len - padding;
    for (size_t i = 0; i < digits; i++) {
        if (digit_value(text.data[i]) > 63) return false;
    }
    if (padding == 0) return true;
    uint32_t left_over = padding == 1 ? 3 : 15;
    return (digit_value(text.data[digits - 1]) & left_over) == 0;
}

static size_t padding_of(struct str text)
{
    if (text.len < 4 || text.data[text.len - 1] != '=') return 0;
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

enum status base64_parse(struct str text, size_t size_max, void *out_bytes, size_t *out_size)
{
    CHECK(out_bytes != NULL || size_max == 0);
    if (text.len % 4 != 0) return STATUS_INVALID;
    size_t padding = padding_of(text);
    size_t size = text.len / 4 * 3 - padding;
    if (size > size_max) return STATUS_LIMIT;
    if (!is_canonical(text, padding)) return STATUS_INVALID;
    uint8_t *to = out_bytes;
    for (size_t i = 0; i < size; i++) {
        const char *group = text.data + i / 3 * 4;
        uint32_t high = digit_value(group[i % 3]);
        uint32_t low = digit_value(group[i % 3 + 1]);
        unsigned shift = 2 * (unsigned)(i % 3) + 2;
        to[i] = (uint8_t)(high << shift | low >> (6 - shift));
    }
    *out_size = size;
    return STATUS_OK;
}

enum status base64_parse_exact(struct str text, void *out_bytes, size_t size)
{
    if (text.len != BASE64_LEN(size)) return STATUS_INVALID;
    if (text.len > 0 && padding_of(text) != (3 - size % 3) % 3) return STATUS_INVALID;
    size_t read;
    return base64_parse(text, size, out_bytes, &read);
}
