/* opentelemetry-proto, "JSON Protobuf encoding": 64-bit integers are strings, ids are hexadecimal. */
#include "adapter/otlp_json.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/hex.h"

enum { TRACE_DIGITS = 32, SPAN_DIGITS = 16 };

static void value_text(struct json_writer *writer, struct str type, struct str text)
{
    json_write_key(writer, STR("value"));
    json_write_object_begin(writer);
    json_write_key(writer, type);
    json_write_string(writer, text);
    json_write_object_end(writer);
}

void otlp_attribute_text(struct json_writer *writer, struct str key, struct str text)
{
    json_write_object_begin(writer);
    json_write_key(writer, STR("key"));
    json_write_string(writer, key);
    value_text(writer, STR("stringValue"), text);
    json_write_object_end(writer);
}

void otlp_attribute_number(struct json_writer *writer, struct str key, int64_t number)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, TIME_TEXT_SIZE);
    buf_append_format(&text, "%lld", (long long)number);
    json_write_object_begin(writer);
    json_write_key(writer, STR("key"));
    json_write_string(writer, key);
    value_text(writer, STR("intValue"), buf_view(&text));
    json_write_object_end(writer);
}

void otlp_member_hex(struct json_writer *writer, struct str key, const uint64_t *words,
                     size_t count)
{
    char digits[TRACE_DIGITS];
    CHECK(count <= 2);
    for (size_t i = 0; i < count; i++) {
        hex_put((uint32_t)(words[i] >> 32), digits + i * SPAN_DIGITS);
        hex_put((uint32_t)words[i], digits + i * SPAN_DIGITS + 8);
    }
    json_write_key(writer, key);
    json_write_string(writer, (struct str){ digits, count * SPAN_DIGITS });
}

void otlp_member_time(struct json_writer *writer, struct str key, struct wall_time time)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, TIME_TEXT_SIZE);
    buf_append_format(&text, "%lld", (long long)time.ns);
    json_write_key(writer, key);
    json_write_string(writer, buf_view(&text));
}

void otlp_resource(struct json_writer *writer, struct str version)
{
    json_write_key(writer, STR("resource"));
    json_write_object_begin(writer);
    json_write_key(writer, STR("attributes"));
    json_write_array_begin(writer);
    otlp_attribute_text(writer, STR("service.name"), STR("tpwallet"));
    otlp_attribute_text(writer, STR("service.version"), version);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

void otlp_scope(struct json_writer *writer, struct str name)
{
    json_write_key(writer, STR("scope"));
    json_write_object_begin(writer);
    json_write_key(writer, STR("name"));
    json_write_string(writer, name);
    json_write_object_end(writer);
}
