/* event_tail.h - the newest events as text, once for all streams that wait for them. */
#ifndef API_EVENT_TAIL_H
#define API_EVENT_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "wallet/event_feed.h"

enum {
    TAIL_EVENTS_MAX = 4096,
    TAIL_SIZE_MAX = 2 << 20, /* bytes of text; whoever is further behind reads the journal */
};

struct tail_event {
    struct position position;
    size_t end; /* of its text */
};

/* One task's own. About 100 KiB, and the text. */
struct event_tail {
    struct position from; /* every event behind this one ... */
    struct position to;   /* ... up to here is in the tail */
    struct buf text;
    struct tail_event events[TAIL_EVENTS_MAX];
    uint32_t count;
};

void event_tail_init(struct event_tail *tail);
void event_tail_done(struct event_tail *tail);

/* Empty, from a position on. */
void event_tail_reset(struct event_tail *tail, struct position from);

/*
 * The next event, behind `to`, whose text is below TAIL_SIZE_MAX / 2. The older half goes when
 * there is no room. False: no memory; then the tail is empty behind that event.
 */
bool event_tail_add(struct event_tail *tail, struct position position, struct str text);
/* There is nothing more up to `to`. */
void event_tail_pass(struct event_tail *tail, struct position to);

/* Whether all that is behind a position, up to `to`, is in the tail. */
bool event_tail_covers(const struct event_tail *tail, struct position after);

/*
 * Appends the events behind *after, which the tail covers, until out_text has size bytes or more;
 * moves *after behind them. Returns how many there were.
 */
uint32_t event_tail_copy(const struct event_tail *tail, size_t size, struct position *after,
                         struct buf *out_text);

#endif
