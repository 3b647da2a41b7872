/* Hexadecimal in and out, and the two ways an id is made. */
#include "base/uuid.h"

#include "base/check.h"

static const uint64_t VERSION_7 = 0x7000;
static const uint64_t VARIANT_MASK = 0xC000000000000000U;
static const uint64_t VARIANT_RFC = 0x8000000000000000U;

struct uuid uuid_v7(uint64_t unix_ms, const uint64_t random[2])
{
    CHECK(unix_ms < (UINT64_C(1) << 48));
    return (struct uuid){
        .hi = unix_ms << 16 | VERSION_7 | (random[0] & 0x0FFF),
        .lo = VARIANT_RFC | (random[1] & ~VARIANT_MASK),
    };
}

/* An odd multiplier makes step -> offset a bijection on 62 bits, so steps never collide. */
struct uuid uuid_derive(struct uuid root, uint32_t step)
{
    static const uint64_t SPREAD = 0x9E3779B97F4A7C15U;
    uint64_t low = (root.lo + step * SPREAD) & ~VARIANT_MASK;
    return (struct uuid){.hi = root.hi, .lo = (root.lo & VARIANT_MASK) | low};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool is_dash_place(size_t index)
{
    return index == 8 || index == 13 || index == 18 || index == 23;
}

enum status uuid_parse(struct str text, struct uuid *out_id)
{
    CHECK(out_id != NULL);
    if (text.len != UUID_TEXT_LEN) return STATUS_INVALID;
    uint64_t half[2] = {0, 0};
    unsigned digits = 0;
    for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
        if (is_dash_place(i)) {
            if (text.data[i] != '-') return STATUS_INVALID;
            continue;
        }
        int digit = hex_digit(text.data[i]);
        if (digit < 0) return STATUS_INVALID;
        half[digits / 16] = half[digits / 16] << 4 | (uint64_t)digit;
        digits++;
    }
    *out_id = (struct uuid){.hi = half[0], .lo = half[1]};
    return STATUS_OK;
}

void uuid_format(struct uuid id, char out_text[UUID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned shift = 64;
    uint64_t half = id.hi;
    for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
        if (is_dash_place(i)) {
            out_text[i] = '-';
            continue;
        }
        if (shift == 0) {
            shift = 64;
            half = id.lo;
        }
        shift -= 4;
        out_text[i] = digits[half >> shift & 15];
    }
    out_text[UUID_TEXT_LEN] = '\0';
}
