/* Hexadecimal of list, lane, place and checksum: short, safe in a query, the same on every machine. */
#include "api/cursor.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/hex.h"

struct __attribute__((packed)) wire {
    uint8_t list;
    uint8_t lane;
    uint64_t place;
    uint64_t check;
};
_Static_assert(2 * sizeof(struct wire) == CURSOR_TEXT_LEN, "two digits a byte");

static uint64_t check_of(const struct cursor *cursor)
{
    uint64_t parts[4] = { cursor->list, cursor->lane, cursor->place, cursor->filters };
    return hash_bytes(parts, sizeof parts);
}

struct str cursor_format(const struct cursor *cursor, char text[CURSOR_TEXT_SIZE])
{
    CHECK(cursor != NULL);
    struct wire wire = { cursor->list, cursor->lane, cursor->place, check_of(cursor) };
    return hex_format(&wire, sizeof wire, text);
}

enum status cursor_parse(struct str text, struct cursor *cursor)
{
    CHECK(cursor != NULL);
    struct wire wire;
    if (hex_parse(text, &wire, sizeof wire) != STATUS_OK) return STATUS_INVALID;
    struct cursor found = { wire.list, wire.lane, wire.place, cursor->filters };
    bool expected = wire.list == cursor->list && wire.lane == cursor->lane;
    if (!expected || wire.check != check_of(&found)) return STATUS_INVALID;
    cursor->place = wire.place;
    return STATUS_OK;
}

uint32_t cursor_lane(struct str text)
{
    struct wire wire;
    return hex_parse(text, &wire, sizeof wire) == STATUS_OK ? wire.lane : 0;
}

uint64_t cursor_filter(uint64_t filters, const void *value, size_t size)
{
    return hash_fold(filters ^ hash_bytes(value, size), 0x9E3779B97F4A7C15U);
}
