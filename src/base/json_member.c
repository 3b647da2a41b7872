#include "base/json_member.h"

#include "base/check.h"
#include "base/hex.h"

void json_member_text(struct json_writer *writer, const char *key, struct str value)
{
    json_write_key(writer, str_from(key));
    json_write_string(writer, value);
}

void json_member_number(struct json_writer *writer, const char *key, uint64_t value)
{
    json_write_key(writer, str_from(key));
    json_write_uint64(writer, value);
}

void json_member_hex(struct json_writer *writer, const char *key, const void *bytes, size_t size)
{
    char hex[2 * JSON_MEMBER_HEX_MAX + 1];
    CHECK(size <= JSON_MEMBER_HEX_MAX);
    json_member_text(writer, key, hex_format(bytes, size, hex));
}
