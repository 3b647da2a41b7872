/* json_reader.h - strict JSON (RFC 8259) pulled value by value from bytes that are all there. */
#ifndef BASE_JSON_READER_H
#define BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/str.h"
#include "base/uuid.h"

/*
 * The caller asks for what it expects, in the order of the text:
 *
 *     json_reader_init(&reader, body, &arena);
 *     if (json_object_begin(&reader)) {
 *         unsigned field;
 *         while (json_object_field(&reader, &fields, &field)) {
 *             switch (field) { case FIELD_CODE: (void)json_uint64(&reader, &code); ... }
 *         }
 *     }
 *     enum status status = json_end(&reader);
 *
 * The first fault stays: every call after it returns false and changes nothing, so that it is
 * enough to look at json_end(). But an out_x that was not written must not be used, and nothing
 * read counts before json_end() has returned STATUS_OK, since the rest may be broken.
 *
 * Refused beside bad grammar: bytes that are not UTF-8 (overlong forms and surrogates
 * included), half a surrogate pair in escapes, a key twice in one object (compared decoded),
 * more than JSON_DEPTH_MAX containers in each other, anything but white space after the value,
 * a byte order mark. "\u0000" is allowed: strings have lengths.
 *
 * Strings are views into the input, or, when they hold escapes, copies in the arena; both are
 * good as long as input and arena are. An arena of the input's size, plus 16 bytes for each
 * string with escapes and 32 for each key read by json_object_next() or skipped, is always
 * enough; what is skipped gives its part back.
 *
 * One thread at a time. Calls out of order (a value where a key is due, say) are CHECKed.
 */

enum json_type {
    JSON_NOTHING, /* reading has failed, or fails here: no value starts so */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* A container that is open: where reading stands in it. The reader's own. */
struct json_frame {
    struct str key;        /* the newest member's, decoded */
    struct json_key *keys; /* all so far, newest first; by json_object_next() only */
    uint64_t seen;         /* fields so far, by bit; by json_object_field() only */
    uint32_t count;        /* members or items begun */
    uint16_t field_next;   /* where to look first: fields tend to keep their order */
    bool object;
    bool placed; /* reading stands in the newest member or item */
};

/* The members are the reader's own, but for reading fault, reason and fault_offset. */
struct json_reader {
    const char *start;
    const char *at;
    const char *end;
    struct arena *arena;
    enum json_fault fault;
    const char *reason;  /* the sentence: static, of the fault or the caller's json_fail() */
    size_t fault_offset; /* in bytes from the start */
    uint32_t depth;
    bool value_due;
    struct json_frame frames[JSON_DEPTH_MAX];
};

/*
 * The fields that an object may have: at most 64 different names of printable ASCII without '"'
 * and '\\', static. The name after the last one found is tried first: list them in the order
 * that clients write.
 */
struct json_fields {
    const struct str *names;
    uint32_t count;
};
enum { JSON_FIELDS_MAX = 64 };

/* arena NULL: strings with escapes and json_object_next() fail with JSON_FAULT_MEMORY. */
void json_reader_init(struct json_reader *reader, struct str input, struct arena *arena);

/* What kind of value is due, by its first byte; takes nothing. A fault if no value starts so. */
enum json_type json_peek(struct json_reader *reader);

/*
 * Each takes the value that is due. False after a fault: JSON_FAULT_TYPE when it is of another
 * type, and whatever the grammar says.
 */
bool json_object_begin(struct json_reader *reader) MUST_CHECK;
bool json_array_begin(struct json_reader *reader) MUST_CHECK;
bool json_string(struct json_reader *reader, struct str *out_text);
bool json_bool(struct json_reader *reader, bool *out_value);
/* Digits only: no sign, fraction or exponent (JSON_FAULT_TYPE), up to 2^64-1 (_RANGE). */
bool json_uint64(struct json_reader *reader, uint64_t *out_value);
/* Any number, as it is written. */
bool json_number(struct json_reader *reader, struct str *out_text);
/* A string that is a UUID of either case. */
bool json_uuid(struct json_reader *reader, struct uuid *out_id);
/* Whatever it is, checked in full. Returns false only after a fault. */
bool json_skip(struct json_reader *reader);
/* The same, as it is written: a view into the input. */
bool json_raw(struct json_reader *reader, struct str *out_text);
/* Takes null and returns true; takes nothing and returns false when another value is due. */
bool json_null(struct json_reader *reader);

/* True: an item is due. False: the array has ended, or there is a fault. */
bool json_array_next(struct json_reader *reader) MUST_CHECK;
/*
 * True: the value of the member called *out_key is due. False: the object has ended, or there
 * is a fault; keys that occur twice are found when the object ends.
 */
bool json_object_next(struct json_reader *reader, struct str *out_key) MUST_CHECK;
/*
 * The same for an object of known fields: *out_field is the place of the key in
 * fields->names. JSON_FAULT_UNKNOWN, JSON_FAULT_DUPLICATE at once. One object is read with
 * one of the two calls, and always the same fields.
 */
bool json_object_field(struct json_reader *reader, const struct json_fields *fields,
                       unsigned *out_field) MUST_CHECK;
/*
 * The fields that were there, by bit, of the object that has just ended: to be asked right
 * after json_object_field() has returned false. None after a fault.
 */
uint64_t json_fields_seen(const struct json_reader *reader);

/*
 * For what the caller finds wrong with the value just read (or the object or array it is in):
 * JSON_FAULT_VALUE with this sentence, static. The offset is where reading stands. Does
 * nothing after a fault.
 */
void json_fail(struct json_reader *reader, const char *reason);

/* Nothing but white space may follow the one value. The status of the fault, else STATUS_OK. */
enum status json_end(struct json_reader *reader) MUST_CHECK;

/* Appends the RFC 6901 pointer to where reading stands or failed: "" is the whole, "/3/amount". */
void json_pointer(const struct json_reader *reader, struct buf *out_pointer);

#endif
