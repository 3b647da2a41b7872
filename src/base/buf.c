/* Grows by doubling up to the declared maximum; one flag remembers that something was cut. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum { BUF_CAPACITY_MIN = 64 };

void buf_init(struct buf *buf, size_t size_max)
{
    CHECK(buf != NULL);
    CHECK(size_max <= SIZE_MAX / 2); /* so that doubling and the terminator cannot wrap */
    *buf = (struct buf){ .size_max = size_max };
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
}

void buf_free(struct buf *buf)
{
    if (buf == NULL) return;
    free(buf->data);
    *buf = (struct buf){ 0 };
}

/* One byte more than needed is kept for the terminator. */
static bool buf_reserve(struct buf *buf, size_t more)
{
    if (buf->overflow || more > buf->size_max - buf->len) {
        buf->overflow = true;
        return false;
    }
    size_t needed = buf->len + more + 1;
    if (needed <= buf->capacity) return true;
    size_t capacity = buf->capacity < BUF_CAPACITY_MIN ? BUF_CAPACITY_MIN : buf->capacity;
    while (capacity < needed) capacity *= 2;
    if (capacity > buf->size_max + 1) capacity = buf->size_max + 1;
    uint8_t *data = realloc(buf->data, capacity);
    if (data == NULL) {
        buf->overflow = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void *buf_extend(struct buf *buf, size_t len)
{
    CHECK(buf != NULL);
    if (!buf_reserve(buf, len)) return NULL;
    uint8_t *at = buf->data + buf->len;
    buf->len += len;
    return at;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
    CHECK(data != NULL || len == 0);
    if (len == 0) return;
    void *at = buf_extend(buf, len);
    if (at != NULL) memcpy(at, data, len);
}

void buf_append_str(struct buf *buf, struct str text)
{
    buf_append(buf, text.data, text.len);
}

void buf_append_byte(struct buf *buf, uint8_t byte)
{
    buf_append(buf, &byte, 1);
}

void buf_append_format_list(struct buf *buf, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    if (len < 0) buf->overflow = true;
    if (len > 0 && buf_reserve(buf, (size_t)len)) {
        int written = vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format, again);
        CHECK(written == len);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_append_format(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buf_append_format_list(buf, format, arguments);
    va_end(arguments);
}

const char *buf_terminated(struct buf *buf)
{
    if (buf->data == NULL) return "";
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}
