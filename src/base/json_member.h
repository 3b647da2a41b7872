/* json_member.h - members of a JSON object: a key and its value, in one call. */
#ifndef BASE_JSON_MEMBER_H
#define BASE_JSON_MEMBER_H

#include "base/json_writer.h"

void json_member_text(struct json_writer *writer, const char *key, struct str value);
void json_member_number(struct json_writer *writer, const char *key, uint64_t value);

enum { JSON_MEMBER_HEX_MAX = 64 }; /* of bytes: the longest digest */

/* The bytes as hexadecimal digits: a digest. */
void json_member_hex(struct json_writer *writer, const char *key, const void *bytes, size_t size);

#endif
