/* cursor.h - where a list goes on: an opaque text that only the same list accepts. */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/*
 * A place in a list (a locator, a number) of a lane with a checksum over list, lane, place and
 * filters, so that a cursor of another list, of other filters, or a changed one is refused. It
 * guards against mistakes, not against intent: readers of a place verify what they find there.
 */
enum { CURSOR_TEXT_LEN = 36, CURSOR_TEXT_SIZE = CURSOR_TEXT_LEN + 1 };

/* filters: a hash over whatever must stay the same from page to page (cursor_filter()). */
struct cursor {
    uint8_t list; /* the route's number */
    uint8_t lane; /* whose place it is */
    uint64_t place;
    uint64_t filters;
};

struct str cursor_format(const struct cursor *cursor, char text[CURSOR_TEXT_SIZE]);

/* cursor->list, lane and filters are what is expected; fills place. STATUS_INVALID. */
enum status cursor_parse(struct str text, struct cursor *cursor) MUST_CHECK;

/* Which lane a text says, whatever else it is; 0 when that cannot be read. */
uint32_t cursor_lane(struct str text);

/* Adds a value to a hash of filters; start with 0. */
uint64_t cursor_filter(uint64_t filters, const void *value, size_t size);

#endif
