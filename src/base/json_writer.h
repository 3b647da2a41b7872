/* json_writer.h - JSON (RFC 8259) appended to a buf, value by value; cannot be malformed. */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/money.h"
#include "base/str.h"
#include "base/uuid.h"

/*
 *     json_writer_init(&writer, &buf);
 *     json_write_object_begin(&writer);
 *     json_write_key(&writer, STR("amount"));
 *     json_write_money(&writer, amount, exponent);
 *     json_write_object_end(&writer);
 *     enum status status = json_write_end(&writer);
 *
 * Commas and colons come by themselves, no white space is written. Calls out of order (a value
 * without a key, an end without its begin, a second value at the top, more than JSON_DEPTH_MAX
 * levels) are our bug and CHECKed; that a key is not written twice is the caller's business.
 * What does not fit the buf sets its overflow; the text is then of no use.
 *
 * What is in the buf already stays: an NDJSON line is json_write_end(), a line feed by
 * buf_append_byte(), json_writer_init(). One thread at a time.
 */
struct json_writer {
    struct buf *out;
    uint32_t depth;
    uint32_t objects; /* bit by level: whether it is an object */
    bool comma;       /* something stands before in this container */
    bool keyed;       /* a key was written and its value is due */
    bool written;     /* the one value at the top is there */
};

/* The buf is the caller's and must outlive the writing. */
void json_writer_init(struct json_writer *writer, struct buf *out);

void json_write_object_begin(struct json_writer *writer);
void json_write_object_end(struct json_writer *writer);
void json_write_array_begin(struct json_writer *writer);
void json_write_array_end(struct json_writer *writer);

/* Escaped as strings are. */
void json_write_key(struct json_writer *writer, struct str key);

/* Bytes that are not valid UTF-8 are written as U+FFFD each, so that the text is always JSON. */
void json_write_string(struct json_writer *writer, struct str text);
/* Full range. Beyond 2^53 some readers lose digits: amounts and ids are strings for that. */
void json_write_uint64(struct json_writer *writer, uint64_t value);
void json_write_int64(struct json_writer *writer, int64_t value);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
/* A value that is JSON already, as it is: what a json_writer has made, and nothing from outside. */
void json_write_json(struct json_writer *writer, struct str value);
/* A string: 36 lower-case characters. */
void json_write_uuid(struct json_writer *writer, struct uuid id);
/* A string: money_format(). */
void json_write_money(struct json_writer *writer, struct money amount, unsigned exponent);

/* CHECKs that one value was written whole. STATUS_LIMIT when it did not fit the buf. */
enum status json_write_end(struct json_writer *writer) MUST_CHECK;

#endif
