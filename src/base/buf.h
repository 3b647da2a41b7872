/* buf.h - the one growable buffer: bytes appended up to a maximum that its owner declares. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/*
 * An append that would pass size_max, or for which memory is lacking, appends nothing and sets
 * `overflow`, which stays set until buf_reset(); so a run of appends is checked once, at its
 * end. data moves when the buffer grows: take offsets, not pointers.
 *
 * One thread at a time. A zeroed struct is an empty buffer that can hold nothing.
 */
struct buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t size_max;
    bool overflow;
};

/* Reserves nothing. size_max is in bytes. */
void buf_init(struct buf *buf, size_t size_max);
/* Empties it and clears overflow; keeps the memory. */
void buf_reset(struct buf *buf);
/* Releases the memory; accepts NULL and a zeroed struct; buf_init() again before reuse. */
void buf_free(struct buf *buf);

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_str(struct buf *buf, struct str text);
void buf_append_byte(struct buf *buf, uint8_t byte);
void buf_append_format(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buf_append_format_list(struct buf *buf, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/*
 * Makes len uninitialised bytes at the end and returns them; NULL (and overflow) when they do
 * not fit. The pointer is good until the next append.
 */
void *buf_extend(struct buf *buf, size_t len);

/* The view is good until the next append. */
static inline struct str buf_view(const struct buf *buf)
{
    return (struct str){ (const char *)buf->data, buf->len };
}

/* STATUS_LIMIT if any append since the last reset did not fit. */
static inline enum status buf_status(const struct buf *buf)
{
    return buf->overflow ? STATUS_LIMIT : STATUS_OK;
}

/* The contents as a terminated string ("" when empty); the terminator is not counted in len. */
const char *buf_terminated(struct buf *buf);

#define BUF_SCOPE __attribute__((cleanup(buf_free)))

#endif
