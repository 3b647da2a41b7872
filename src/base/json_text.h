/* json_text.h - JSON strings and what can be wrong with them: shared by reader and writer. */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/status.h"

/* name, status of json_end(), sentence for the client */
#define JSON_FAULT_TABLE(X)                                                                        \
    X(NONE, OK, "nothing is wrong")                                                                \
    X(TRUNCATED, INVALID, "the text ends too early")                                               \
    X(SYNTAX, INVALID, "this is not JSON")                                                         \
    X(TRAILING, INVALID, "there is more after the value")                                          \
    X(CONTROL, INVALID, "control characters in strings must be escaped")                           \
    X(ESCAPE, INVALID, "this escape is not one of JSON")                                           \
    X(SURROGATE, INVALID, "half a surrogate pair is no character")                                 \
    X(UTF8, INVALID, "these bytes are not valid UTF-8")                                            \
    X(NUMBER, INVALID, "this is not a JSON number")                                                \
    X(DUPLICATE, INVALID, "duplicate key")                                                         \
    X(UNKNOWN, INVALID, "unknown field")                                                           \
    X(TYPE, INVALID, "the value is of the wrong type")                                             \
    X(RANGE, INVALID, "must be a whole number from 0 to 18446744073709551615")                     \
    X(UUID, INVALID, "must be a UUID: 36 characters, 8-4-4-4-12 hexadecimal digits")               \
    X(VALUE, INVALID, "the value is not allowed")                                                  \
    X(DEPTH, LIMIT, "nested too deep: at most 16 levels are read")                                 \
    X(MEMORY, LIMIT, "too many escaped strings or keys to read at once")

#define JSON_FAULT_ENUM(name, status, text) JSON_FAULT_##name,
enum json_fault { JSON_FAULT_TABLE(JSON_FAULT_ENUM) JSON_FAULT_COUNT };
#undef JSON_FAULT_ENUM
_Static_assert(JSON_DEPTH_MAX == 16, "as the sentence of JSON_FAULT_DEPTH says");

/* Static strings: "DUPLICATE", and the sentence. CHECKs that fault is in range. */
const char *json_fault_name(enum json_fault fault);
const char *json_fault_text(enum json_fault fault);
enum status json_fault_status(enum json_fault fault) MUST_CHECK;

/* For each byte of the word: its top bit, if it is '"', '\\', a control or not ASCII. A byte
 * above such a byte may be marked by mistake; the lowest mark never is. */
static inline uint64_t json_text_marks(uint64_t word)
{
    static const uint64_t ones = 0x0101010101010101U;
    static const uint64_t tops = 0x8080808080808080U;
    uint64_t quote = word ^ '"' * ones;
    uint64_t backslash = word ^ '\\' * ones;
    uint64_t zeroes = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    uint64_t control = (word - 0x20 * ones) & ~word;
    return (zeroes | control | word) & tops;
}

static inline bool json_text_plain(char c)
{
    return c >= ' ' && c != '"' && c != '\\' && (unsigned char)c < 0x80;
}

/* The first byte of [at, end) that cannot stand in a string as it is, or is not ASCII; or end. */
static inline const char *json_text_skip_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t marks = json_text_marks(word);
        if (marks != 0) return at + (__builtin_ctzll(marks) >> 3);
        at += 8;
    }
    while (at < end && json_text_plain(*at)) at++;
    return at;
}

/* Length in bytes of the character at `at` < end: 1 to 4, or 0 when it is not valid UTF-8. */
unsigned json_text_utf8(const char *at, const char *end);

/*
 * Checks a string from behind its opening quote on. JSON_FAULT_NONE: *out_end is the closing
 * quote; otherwise the place of the fault. *out_escaped tells whether it needs decoding.
 */
enum json_fault json_text_scan(const char *at, const char *end, const char **out_end,
                               bool *out_escaped);

/*
 * Undoes the escapes of a string that json_text_scan() passed, quotes not included. Writes at
 * most end - at bytes and returns how many.
 */
size_t json_text_decode(const char *at, const char *end, char *out_text);

#endif
