/* Hexadecimal in and out, and the two ways an id is made. */
#include "base/uuid.h"

#include "base/check.h"
#include "base/hex.h"

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

/* Steps follow each other in order, so that what one request makes lies together in an index. */
struct uuid uuid_derive(struct uuid root, uint32_t step)
{
    uint64_t low = (root.lo + step) & ~VARIANT_MASK;
    return (struct uuid){ .hi = root.hi, .lo = (root.lo & VARIANT_MASK) | low };
}

enum status uuid_parse(struct str text, struct uuid *out_id)
{
    CHECK(out_id != NULL);
    if (text.len != UUID_TEXT_LEN) return STATUS_INVALID;
    const char *from = text.data;
    if (from[8] != '-' || from[13] != '-' || from[18] != '-' || from[23] != '-')
        return STATUS_INVALID;
    /* The second and third eight digits have a dash in their middle. */
    char second[8], third[8];
    memcpy(second, from + 9, 4);
    memcpy(second + 4, from + 14, 4);
    memcpy(third, from + 19, 4);
    memcpy(third + 4, from + 24, 4);
    uint32_t word[4];
    if (!hex_take(from, &word[0]) || !hex_take(second, &word[1])) return STATUS_INVALID;
    if (!hex_take(third, &word[2]) || !hex_take(from + 28, &word[3])) return STATUS_INVALID;
    out_id->hi = (uint64_t)word[0] << 32 | word[1];
    out_id->lo = (uint64_t)word[2] << 32 | word[3];
    return STATUS_OK;
}

void uuid_format(struct uuid id, char out_text[UUID_TEXT_LEN + 1])
{
    char middle[8];
    hex_put((uint32_t)(id.hi >> 32), out_text);
    hex_put((uint32_t)id.hi, middle);
    out_text[8] = '-';
    memcpy(out_text + 9, middle, 4);
    out_text[13] = '-';
    memcpy(out_text + 14, middle + 4, 4);
    hex_put((uint32_t)(id.lo >> 32), middle);
    out_text[18] = '-';
    memcpy(out_text + 19, middle, 4);
    out_text[23] = '-';
    memcpy(out_text + 24, middle + 4, 4);
    hex_put((uint32_t)id.lo, out_text + 28);
    out_text[UUID_TEXT_LEN] = '\0';
}
