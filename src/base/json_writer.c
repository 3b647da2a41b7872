/* Each value is appended in one piece with the comma before it: one look at the buf's room. */
#include "base/json_writer.h"

#include "base/check.h"
#include "base/json_text.h"

_Static_assert(JSON_DEPTH_MAX <= 32, "one bit for each level");

void json_writer_init(struct json_writer *writer, struct buf *out)
{
    CHECK(writer != NULL);
    CHECK(out != NULL);
    *writer = (struct json_writer){ .out = out };
}

static bool in_object(const struct json_writer *writer)
{
    return writer->depth > 0 && (writer->objects >> (writer->depth - 1) & 1) != 0;
}

/* Room for a value of len bytes, a comma before it written if one is due; NULL: does not fit. */
static char *value_room(struct json_writer *writer, size_t len)
{
    bool comma = writer->comma && !writer->keyed;
    if (writer->depth == 0) {
        CHECK(!writer->written);
        writer->written = true;
    } else {
        CHECK(writer->keyed == in_object(writer)); /* in an object a key comes first */
    }
    writer->comma = true;
    writer->keyed = false;
    char *room = buf_extend(writer->out, len + comma);
    if (room == NULL) return NULL;
    if (comma) *room++ = ',';
    return room;
}

static void write_text(struct json_writer *writer, struct str text)
{
    char *room = value_room(writer, text.len);
    if (room != NULL) memcpy(room, text.data, text.len);
}

static void container_begin(struct json_writer *writer, char open, bool object)
{
    char *room = value_room(writer, 1);
    if (room != NULL) *room = open;
    CHECK(writer->depth < JSON_DEPTH_MAX);
    uint32_t bit = UINT32_C(1) << writer->depth++;
    writer->objects = object ? writer->objects | bit : writer->objects & ~bit;
    writer->comma = false;
}

static void container_end(struct json_writer *writer, uint8_t close, bool object)
{
    CHECK(writer->depth > 0);
    CHECK(in_object(writer) == object);
    CHECK(!writer->keyed);
    writer->depth--;
    writer->comma = true;
    buf_append_byte(writer->out, close);
}

void json_write_object_begin(struct json_writer *writer)
{
    container_begin(writer, '{', true);
}

void json_write_object_end(struct json_writer *writer)
{
    container_end(writer, '}', true);
}

void json_write_array_begin(struct json_writer *writer)
{
    container_begin(writer, '[', false);
}

void json_write_array_end(struct json_writer *writer)
{
    container_end(writer, ']', false);
}

/* The letter of a two-character escape; 0 when a control character has none. */
static char escape_letter(char c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

/* Appends the character at `at`, which cannot stand as it is or is not ASCII; its length. */
static size_t append_special(struct buf *out, const char *at, const char *end)
{
    static const char digits[] = "0123456789abcdef";
    unsigned code = (unsigned char)*at;
    if (code >= 0x80) {
        unsigned len = json_text_utf8(at, end);
        buf_append_str(out, len == 0 ? STR("\xEF\xBF\xBD") : (struct str){ at, len });
        return len == 0 ? 1 : len;
    }
    char letter = escape_letter(*at);
    char escape[6] = { '\\', letter, '0', '0', digits[code >> 4], digits[code & 15] };
    if (letter == 0) escape[1] = 'u';
    buf_append(out, escape, letter == 0 ? sizeof escape : 2);
    return 1;
}

/* The text in quotes, after a comma if one is due. */
static void append_quoted(struct buf *out, struct str text)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    buf_append_byte(out, '"');
    while (at < end && !out->overflow) {
        const char *special = json_text_skip_plain(at, end);
        buf_append(out, at, (size_t)(special - at));
        at = special;
        if (at < end) at += append_special(out, at, end);
    }
    buf_append_byte(out, '"');
}

void json_write_key(struct json_writer *writer, struct str key)
{
    CHECK(in_object(writer));
    CHECK(!writer->keyed);
    if (key.len == 0) key = STR(""); /* its data may be NULL, which has no end */
    const char *end = key.data + key.len;
    if (json_text_skip_plain(key.data, end) == end) {
        char *room = buf_extend(writer->out, key.len + 3 + writer->comma);
        if (room != NULL) {
            if (writer->comma) *room++ = ',';
            *room++ = '"';
            memcpy(room, key.data, key.len);
            room[key.len] = '"';
            room[key.len + 1] = ':';
        }
    } else {
        if (writer->comma) buf_append_byte(writer->out, ',');
        append_quoted(writer->out, key);
        buf_append_byte(writer->out, ':');
    }
    writer->keyed = true;
}

/* Text known to hold nothing that must be escaped. */
static void write_plain(struct json_writer *writer, struct str text)
{
    char *room = value_room(writer, text.len + 2);
    if (room == NULL) return;
    *room++ = '"';
    memcpy(room, text.data, text.len);
    room[text.len] = '"';
}

void json_write_string(struct json_writer *writer, struct str text)
{
    if (text.len == 0) {
        write_text(writer, STR("\"\""));
        return;
    }
    const char *end = text.data + text.len;
    if (json_text_skip_plain(text.data, end) == end) {
        write_plain(writer, text);
        return;
    }
    (void)value_room(writer, 0); /* a comma if one is due; overflow is kept by the buf */
    append_quoted(writer->out, text);
}

void json_write_uint64(struct json_writer *writer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    write_text(writer, (struct str){ digits + at, sizeof digits - at });
}

void json_write_int64(struct json_writer *writer, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) digits[--at] = '-';
    write_text(writer, (struct str){ digits + at, sizeof digits - at });
}

void json_write_bool(struct json_writer *writer, bool value)
{
    write_text(writer, value ? STR("true") : STR("false"));
}

void json_write_null(struct json_writer *writer)
{
    write_text(writer, STR("null"));
}

void json_write_json(struct json_writer *writer, struct str value)
{
    CHECK(value.len > 0);
    write_text(writer, value);
}

void json_write_uuid(struct json_writer *writer, struct uuid id)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(id, text);
    write_plain(writer, (struct str){ text, UUID_TEXT_LEN });
}

void json_write_money(struct json_writer *writer, struct money amount, unsigned exponent)
{
    char text[MONEY_TEXT_SIZE];
    write_plain(writer, money_format(amount, exponent, text));
}

enum status json_write_end(struct json_writer *writer)
{
    CHECK(writer->depth == 0);
    CHECK(writer->written);
    return buf_status(writer->out);
}
