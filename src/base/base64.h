/* base64.h - base64 (RFC 4648, section 4) in and out: padded, canonical, nothing else accepted. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* Characters for `size` bytes, and room for them with a terminator. */
#define BASE64_LEN(size) (((size) + 2) / 3 * 4)
#define BASE64_TEXT_SIZE(size) (BASE64_LEN(size) + 1)

/* Writes BASE64_LEN(size) characters and a terminator; text must have room for them. */
struct str base64_format(const void *bytes, size_t size, char *text);
void base64_append(struct buf *buf, const void *bytes, size_t size);

/*
 * The one text of some bytes, and no other: with padding, no white space, and zero in the bits
 * that the padding leaves over; so no two texts are read as the same bytes. Else
 * STATUS_INVALID; STATUS_LIMIT when it is more than size_max bytes.
 */
enum status base64_parse(struct str text, size_t size_max, void *out_bytes, size_t *out_size)
    MUST_CHECK;

/* The same, of exactly `size` bytes; else STATUS_INVALID. */
enum status base64_parse_exact(struct str text, void *out_bytes, size_t size) MUST_CHECK;

#endif
