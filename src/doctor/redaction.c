#include "doctor/redaction.h"

#include "base/hex.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "crypto/hmac.h"

enum { SHOWN_BYTES = 8 };

enum status redaction_fields(struct redaction *redaction, struct str text)
{
    while (text.len > 0) {
        const char *comma = memchr(text.data, ',', text.len);
        size_t len = comma == NULL ? text.len : (size_t)(comma - text.data);
        if (len == 0 || (comma != NULL && len + 1 == text.len)) return STATUS_INVALID;
        if (redaction->count == REDACTION_FIELDS_MAX) return STATUS_LIMIT;
        redaction->hidden[redaction->count++] = (struct str){ text.data, len };
        size_t used = comma == NULL ? len : len + 1;
        text = (struct str){ text.data + used, text.len - used };
    }
    return STATUS_OK;
}

static bool is_hidden(const struct redaction *redaction, struct str name)
{
    for (uint32_t i = 0; i < redaction->count; i++)
        if (str_equal(redaction->hidden[i], name)) return true;
    return false;
}

static void hidden_write(const struct redaction *redaction, struct str value,
                         struct json_writer *writer)
{
    const struct digest_part part = { value.data, value.len };
    struct digest digest = hmac_sha256(&redaction->key, &part, 1);
    char text[1 + 2 * SHOWN_BYTES + 1];
    text[0] = 'x';
    struct str digits = hex_format(digest.bytes, SHOWN_BYTES, text + 1);
    json_write_string(writer, (struct str){ text, digits.len + 1 });
}

/* False: the value is none of a flat object. */
static bool value_copy(const struct redaction *redaction, struct str name,
                       struct json_reader *reader, struct json_writer *writer, uint64_t *hidden)
{
    struct str text = STR("");
    bool hide = is_hidden(redaction, name);
    switch (json_peek(reader)) {
    case JSON_STRING:
        if (!json_string(reader, &text)) return false;
        break;
    case JSON_NUMBER:
    case JSON_BOOL:
    case JSON_NULL:
        if (!json_raw(reader, &text)) return false;
        if (hide) break;
        json_write_json(writer, text);
        return true;
    case JSON_ARRAY:
    case JSON_OBJECT:
    case JSON_NOTHING: return false;
    }
    *hidden += hide;
    if (hide)
        hidden_write(redaction, text, writer);
    else
        json_write_string(writer, text);
    return true;
}

enum status redaction_line(const struct redaction *redaction, struct str line, struct arena *arena,
                           struct buf *out, uint64_t *out_hidden)
{
    struct json_reader reader;
    struct json_writer writer;
    struct str name;
    uint64_t hidden = 0;
    bool flat = true;
    size_t before = out->len;
    arena_reset(arena);
    json_reader_init(&reader, line, arena);
    json_writer_init(&writer, out);
    if (!json_object_begin(&reader)) return STATUS_INVALID;
    json_write_object_begin(&writer);
    while (flat && json_object_next(&reader, &name)) {
        json_write_key(&writer, name);
        flat = value_copy(redaction, name, &reader, &writer, &hidden);
    }
    if (!flat || json_end(&reader) != STATUS_OK) {
        out->len = before; /* half an object */
        return STATUS_INVALID;
    }
    json_write_object_end(&writer);
    if (json_write_end(&writer) != STATUS_OK) return STATUS_LIMIT;
    buf_append_byte(out, '\n');
    *out_hidden += hidden;
    return buf_status(out);
}
