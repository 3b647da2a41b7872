#include "doctor/table_value.h"

#include "base/check.h"
#include "base/decimal.h"
#include "base/time.h"

static const char *const type_names[] = {
#define TYPE_NAME(name, text) (text),
    TABLE_TYPE_TABLE(TYPE_NAME)
#undef TYPE_NAME
};

enum { TIME_ROOM = 64, DECIMAL_LEN_MAX = 60 };

bool table_type_parse(struct str text, enum table_type *out_type)
{
    for (uint32_t i = 0; i < TABLE_TYPE_COUNT; i++) {
        if (!str_equal(text, str_from(type_names[i]))) continue;
        *out_type = (enum table_type)i;
        return true;
    }
    return false;
}

const char *table_type_name(enum table_type type)
{
    CHECK(type < TABLE_TYPE_COUNT);
    return type_names[type];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool table_zone_is_valid(struct str offset)
{
    bool shaped = offset.len == 6 && (offset.data[0] == '+' || offset.data[0] == '-') &&
                  offset.data[3] == ':' && is_digit(offset.data[1]) && is_digit(offset.data[2]) &&
                  is_digit(offset.data[4]) && is_digit(offset.data[5]);
    return shaped && (offset.data[1] == '0' || (offset.data[1] == '1' && offset.data[2] <= '4')) &&
           offset.data[4] <= '5';
}

/* ---- each type ---- */

static const char *integer_read(struct str text, int64_t *out_number)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    uint64_t magnitude;
    struct str digits = { text.data + negative, text.len - negative };
    if (decimal_parse(digits, INT64_MAX, &magnitude) != STATUS_OK) return "no whole number";
    *out_number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return NULL;
}

static const char *decimal_read(struct str text)
{
    size_t at = text.len > 0 && text.data[0] == '-';
    size_t digits = 0;
    bool point = false;
    for (; at < text.len; at++) {
        if (is_digit(text.data[at]))
            digits++;
        else if (text.data[at] == '.' && !point && digits > 0)
            point = true;
        else
            return "no decimal number: digits, with a point or without";
    }
    bool good = digits > 0 && is_digit(text.data[text.len - 1]) && text.len <= DECIMAL_LEN_MAX;
    return good ? NULL : "no decimal number: digits, with a point or without";
}

static const char *boolean_read(struct str text, int64_t *out_number)
{
    static const char *const words[] = { "f", "t", "false", "true", "0", "1" };
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!str_equal(text, str_from(words[i]))) continue;
        *out_number = i % 2;
        return NULL;
    }
    return "no boolean";
}

/* Where the offset of a time begins: text.len when it has none. */
static size_t offset_find(struct str text)
{
    enum { DATE_LEN = 10 }; /* its dashes are no offset */
    for (size_t i = DATE_LEN; i < text.len; i++)
        if (text.data[i] == '+' || text.data[i] == '-' || text.data[i] == 'Z') return i;
    return text.len;
}

static const char *time_build(struct str clock, struct str offset, int64_t *out_ns)
{
    static const char fault[] = "no time of 1970 to 2261";
    char room[TIME_ROOM];
    struct wall_time time;
    if (clock.len < 11 || clock.len + offset.len + 4 > sizeof room) return fault;
    memcpy(room, clock.data, clock.len);
    if (room[10] == ' ') room[10] = 'T';
    memcpy(room + clock.len, offset.data, offset.len);
    struct str whole = { room, clock.len + offset.len };
    if (offset.len == 3) { /* +00, as PostgreSQL writes it */
        memcpy(room + whole.len, ":00", 3);
        whole.len += 3;
    }
    if (wall_time_parse(whole, &time) != STATUS_OK) return fault;
    *out_ns = time.ns;
    return NULL;
}

static const char *time_read(struct str text, int64_t *out_ns)
{
    size_t at = offset_find(text);
    if (at == text.len)
        return "a time without an offset among times with one: two time zones are mixed";
    return time_build((struct str){ text.data, at }, (struct str){ text.data + at, text.len - at },
                      out_ns);
}

static const char *local_time_read(struct str text, const struct table_zone *zone, int64_t *out_ns)
{
    if (offset_find(text) != text.len)
        return "a time with an offset among times without one: two time zones are mixed";
    return time_build(text, zone->offset, out_ns);
}

static const char *epoch_read(struct str text, int64_t unit_ns, int64_t *out_ns)
{
    int64_t count;
    if (integer_read(text, &count) != NULL || count < 0 ||
        __builtin_mul_overflow(count, unit_ns, out_ns))
        return "no number of seconds or milliseconds since 1970";
    return NULL;
}

const char *table_value_read(enum table_type type, struct str text, const struct table_zone *zone,
                             struct table_value *out_value)
{
    *out_value = (struct table_value){ .is_number = true };
    switch (type) {
    case TABLE_TYPE_INTEGER: return integer_read(text, &out_value->number);
    case TABLE_TYPE_BOOLEAN: return boolean_read(text, &out_value->number);
    case TABLE_TYPE_TIME: return time_read(text, &out_value->number);
    case TABLE_TYPE_LOCAL_TIME: return local_time_read(text, zone, &out_value->number);
    case TABLE_TYPE_EPOCH_S: return epoch_read(text, NS_PER_S, &out_value->number);
    case TABLE_TYPE_EPOCH_MS: return epoch_read(text, NS_PER_MS, &out_value->number);
    case TABLE_TYPE_DECIMAL:
    case TABLE_TYPE_TEXT:
    case TABLE_TYPE_COUNT: break;
    }
    *out_value = (struct table_value){ .text = text };
    return type == TABLE_TYPE_DECIMAL ? decimal_read(text) : NULL;
}

bool table_assets_find(const struct table_assets *assets, struct str code, uint8_t *out_exponent)
{
    for (uint32_t i = 0; i < assets->count; i++) {
        if (!str_equal(assets->list[i].code, code)) continue;
        *out_exponent = assets->list[i].exponent;
        return true;
    }
    const struct asset *iso = asset_iso_by_code(code);
    if (iso != NULL) *out_exponent = iso->exponent;
    return iso != NULL;
}
