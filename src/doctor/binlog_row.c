/*
 * The format is that of log_event.h in both servers' manuals: numbers are little-endian, decimals
 * are packed nine digits to four bytes, big-endian, with the sign in the first bit.
 */
#include "doctor/binlog_row.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/hex.h"
#include "base/json_text.h"

/* One source for the list: name, number, bytes of metadata. Their numbers are the protocol's. */
#define TYPE_TABLE(X)                                                                              \
    X(TINY, 1, 0)                                                                                  \
    X(SHORT, 2, 0)                                                                                 \
    X(LONG, 3, 0)                                                                                  \
    X(FLOAT, 4, 1)                                                                                 \
    X(DOUBLE, 5, 1)                                                                                \
    X(TIMESTAMP, 7, 0)                                                                             \
    X(LONGLONG, 8, 0)                                                                              \
    X(INT24, 9, 0)                                                                                 \
    X(DATE, 10, 0)                                                                                 \
    X(TIME, 11, 0)                                                                                 \
    X(DATETIME, 12, 0)                                                                             \
    X(YEAR, 13, 0)                                                                                 \
    X(VARCHAR, 15, 2)                                                                              \
    X(BIT, 16, 2)                                                                                  \
    X(TIMESTAMP2, 17, 1)                                                                           \
    X(DATETIME2, 18, 1)                                                                            \
    X(TIME2, 19, 1)                                                                                \
    X(BLOB_COMPRESSED, 140, 1)                                                                     \
    X(VARCHAR_COMPRESSED, 141, 2)                                                                  \
    X(JSON, 245, 1)                                                                                \
    X(DECIMAL, 246, 2)                                                                             \
    X(ENUM, 247, 2)                                                                                \
    X(SET, 248, 2)                                                                                 \
    X(BLOB, 252, 1)                                                                                \
    X(VAR_STRING, 253, 2)                                                                          \
    X(STRING, 254, 2)                                                                              \
    X(GEOMETRY, 255, 1)

#define TYPE_ENUM(name, number, meta) TYPE_##name = (number),
enum { TYPE_TABLE(TYPE_ENUM) };
#undef TYPE_ENUM

#define TYPE_META(name, number, meta) [number] = (meta) + 1,
static const uint8_t meta_sizes_plus_one[256] = { TYPE_TABLE(TYPE_META) };
#undef TYPE_META

/* A CHAR's metadata are its real type and its length, whose upper bits are in those of the type. */
static void string_parse(struct binlog_column *column)
{
    uint8_t high = (uint8_t)(column->meta & 0xff);
    uint16_t low = (uint16_t)(column->meta >> 8);
    if ((high & 0x30) != 0x30) {
        column->meta = (uint16_t)(low | ((high & 0x30) ^ 0x30) << 4);
        column->type = high | 0x30;
    } else {
        column->meta = low;
        column->type = high;
    }
}

enum status binlog_columns_parse(struct str types, struct str metadata,
                                 struct binlog_column *out_columns, struct error *out_error)
{
    const uint8_t *meta = (const uint8_t *)metadata.data;
    size_t left = metadata.len;
    if (types.len > BINLOG_COLUMNS_MAX)
        return error_set(out_error, STATUS_INVALID, "a table of the log has over 4096 columns");
    for (size_t i = 0; i < types.len; i++) {
        struct binlog_column column = { .type = (uint8_t)types.data[i] };
        size_t size = meta_sizes_plus_one[column.type];
        if (size == 0 || size - 1 > left)
            return error_set(out_error, STATUS_INVALID, "a column of the log has no known type");
        size--;
        if (size > 0) column.meta = meta[0];
        if (size > 1) column.meta |= (uint16_t)(meta[1] << 8);
        meta += size;
        left -= size;
        if (column.type == TYPE_STRING) string_parse(&column);
        out_columns[i] = column;
    }
    return STATUS_OK;
}

/* ---- values ---- */

struct image {
    struct str *rest;
    struct arena *arena;
    enum status status; /* of the first thing that failed */
};

static const uint8_t *take(struct image *it, size_t size)
{
    if (it->status != STATUS_OK || size > it->rest->len) {
        if (it->status == STATUS_OK) it->status = STATUS_INVALID;
        return NULL;
    }
    const uint8_t *bytes = (const uint8_t *)it->rest->data;
    *it->rest = (struct str){ it->rest->data + size, it->rest->len - size };
    return bytes;
}

static uint64_t number(struct image *it, size_t size)
{
    const uint8_t *bytes = take(it, size);
    uint64_t value = 0;
    for (size_t i = size; bytes != NULL && i > 0; i--) value = value << 8 | bytes[i - 1];
    return value;
}

static struct row_value text_value(struct image *it, const char *text, size_t len)
{
    char *copy = arena_take(it->arena, len + 1);
    if (copy == NULL) {
        it->status = STATUS_LIMIT;
        return (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
    }
    memcpy(copy, text, len);
    return (struct row_value){ ROW_VALUE_TEXT, { copy, len } };
}

static struct row_value whole_number(struct image *it, size_t size, bool is_unsigned)
{
    uint64_t value = number(it, size);
    unsigned shift = (unsigned)(64 - 8 * size);
    char text[24];
    int64_t with_sign = (int64_t)(value << shift) >> shift;
    int len = 0;
    if (is_unsigned)
        len = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    else
        len = snprintf(text, sizeof text, "%lld", (long long)with_sign);
    CHECK(len > 0);
    return text_value(it, text, (size_t)len);
}

static const uint8_t digit_bytes[10] = { 0, 1, 1, 2, 2, 3, 3, 4, 4, 4 };

/* So many digits, with zeros in front, off the bytes of a group. */
static void group_append(const uint8_t **at, uint8_t mask, unsigned digits, struct buf *text)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < digit_bytes[digits]; i++) value = value << 8 | ((*at)[i] ^ mask);
    *at += digit_bytes[digits];
    if (digits > 0) buf_append_format(text, "%0*u", (int)digits, value);
}

static struct row_value decimal(struct image *it, uint16_t meta)
{
    unsigned precision = meta & 0xff;
    unsigned scale = meta >> 8;
    uint8_t bytes[64];
    BUF_SCOPE struct buf text;
    buf_init(&text, 256);
    if (scale > precision || precision > 65 || precision == 0) it->status = STATUS_INVALID;
    unsigned whole = it->status == STATUS_OK ? precision - scale : 0;
    if (it->status != STATUS_OK) scale = 0;
    size_t size = 4 * (whole / 9 + scale / 9) + digit_bytes[whole % 9] + digit_bytes[scale % 9];
    const uint8_t *packed = take(it, size);
    if (packed == NULL || size == 0) return (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
    memcpy(bytes, packed, size);
    bytes[0] ^= 0x80;
    uint8_t mask = (packed[0] & 0x80) != 0 ? 0 : 0xff;
    const uint8_t *at = bytes;
    if (whole == 0) buf_append_byte(&text, '0');
    group_append(&at, mask, whole % 9, &text);
    for (unsigned i = 0; i < whole / 9; i++) group_append(&at, mask, 9, &text);
    if (scale > 0) buf_append_byte(&text, '.');
    for (unsigned i = 0; i < scale / 9; i++) group_append(&at, mask, 9, &text);
    group_append(&at, mask, scale % 9, &text);
    struct str view = buf_view(&text);
    while (view.len > 1 && view.data[0] == '0' && view.data[1] != '.')
        view = (struct str){ view.data + 1, view.len - 1 };
    char shown[96];
    int len = snprintf(shown, sizeof shown, "%s%.*s", mask == 0 ? "" : "-", STR_ARG(view));
    CHECK(len > 0);
    CHECK((size_t)len < sizeof shown);
    return text_value(it, shown, (size_t)len);
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.data[i];
        if (c < 0x20 || c >= 0x7f) return false;
    }
    return true;
}

static bool is_text(struct str text)
{
    const char *end = text.data + text.len;
    for (const char *at = text.data; at < end;) {
        uint8_t c = (uint8_t)*at;
        unsigned size = c < 0x80 ? 1 : json_text_utf8(at, end);
        if (size == 0 || c < 0x20 || c == 0x7f) return false;
        at += size;
    }
    return true;
}

static struct row_value bytes_value(struct image *it, size_t size)
{
    const uint8_t *bytes = take(it, size);
    if (bytes == NULL) return (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
    struct str text = { (const char *)bytes, size };
    if (is_text(text)) return (struct row_value){ ROW_VALUE_TEXT, text };
    if (size > BINLOG_BYTES_SHOWN_MAX) return (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
    char digits[2 * BINLOG_BYTES_SHOWN_MAX + 1];
    text = hex_format(bytes, size, digits);
    return text_value(it, text.data, text.len);
}

static struct row_value passed(struct image *it, size_t size)
{
    (void)take(it, size); /* what lacks is in it->status */
    return (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
}

static struct row_value value_take(struct image *it, const struct binlog_column *column)
{
    uint16_t meta = column->meta;
    size_t fraction = ((size_t)meta + 1) / 2; /* bytes of a time's decimals */
    switch (column->type) {
    case TYPE_TINY: return whole_number(it, 1, column->is_unsigned);
    case TYPE_SHORT: return whole_number(it, 2, column->is_unsigned);
    case TYPE_INT24: return whole_number(it, 3, column->is_unsigned);
    case TYPE_LONG: return whole_number(it, 4, column->is_unsigned);
    case TYPE_LONGLONG: return whole_number(it, 8, column->is_unsigned);
    case TYPE_DECIMAL: return decimal(it, meta);
    case TYPE_VARCHAR:
    case TYPE_VAR_STRING:
    case TYPE_STRING: return bytes_value(it, (size_t)number(it, meta > 255 ? 2 : 1));
    case TYPE_BLOB:
    case TYPE_JSON: return bytes_value(it, (size_t)number(it, meta > 4 ? 4 : meta));
    case TYPE_VARCHAR_COMPRESSED: return passed(it, (size_t)number(it, meta > 255 ? 2 : 1));
    case TYPE_BLOB_COMPRESSED:
    case TYPE_GEOMETRY: return passed(it, (size_t)number(it, meta > 4 ? 4 : meta));
    case TYPE_YEAR: return passed(it, 1);
    case TYPE_DATE:
    case TYPE_TIME: return passed(it, 3);
    case TYPE_TIME2: return passed(it, 3 + fraction);
    case TYPE_FLOAT:
    case TYPE_TIMESTAMP: return passed(it, 4);
    case TYPE_TIMESTAMP2: return passed(it, 4 + fraction);
    case TYPE_DATETIME2: return passed(it, 5 + fraction);
    case TYPE_DOUBLE:
    case TYPE_DATETIME: return passed(it, 8);
    case TYPE_BIT: return passed(it, (size_t)(meta >> 8) + ((meta & 0xff) != 0));
    case TYPE_ENUM:
    case TYPE_SET: return passed(it, meta);
    default: it->status = STATUS_INVALID; return (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
    }
}

static bool bit(const uint8_t *bits, uint32_t place)
{
    return (bits[place / 8] >> place % 8 & 1) != 0;
}

enum status binlog_image_take(const struct binlog_shape *shape, struct str *rest,
                              struct arena *arena, struct row_value *values,
                              struct error *out_error)
{
    struct image it = { rest, arena, STATUS_OK };
    uint32_t shown = 0;
    for (uint32_t i = 0; i < shape->count; i++) shown += bit(shape->present, i);
    const uint8_t *nulls = take(&it, (shown + 7) / 8);
    uint32_t place = 0;
    for (uint32_t i = 0; i < shape->count && it.status == STATUS_OK; i++) {
        values[i] = (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
        if (!bit(shape->present, i)) continue;
        if (bit(nulls, place++))
            values[i].kind = ROW_VALUE_NULL;
        else
            values[i] = value_take(&it, &shape->columns[i]);
    }
    if (it.status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, it.status, "a row of the log is broken, or too large");
}

void binlog_gid_append(struct str first, struct str second, struct buf *out)
{
    const struct str parts[] = { first, second };
    for (int i = 0; i < 2; i++) {
        char digits[2 * BINLOG_GID_MAX + 1];
        if (parts[i].len == 0 || parts[i].len > BINLOG_GID_MAX) continue;
        if (i > 0) buf_append_byte(out, ',');
        buf_append_str(out, is_printable(parts[i])
                                ? parts[i]
                                : hex_format(parts[i].data, parts[i].len, digits));
    }
}
