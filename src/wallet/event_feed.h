/* event_feed.h - the events of the journal in order: what relays read, each from where it stands. */
#ifndef WALLET_EVENT_FEED_H
#define WALLET_EVENT_FEED_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "model/id.h"

/*
 * Events are a pure function of the journal's records: the same at every reading and for ever,
 * at most one for a position, in journal order. Views are good until the memory they lie in is
 * used again.
 */
struct feed_event {
    struct position position;
    struct str id;      /* "1207-3": unique, printable ASCII without spaces and '.' */
    struct str type;    /* "payment.succeeded": a-z 0-9 '_' and '.' */
    struct str source;  /* of CloudEvents: which wallet this is */
    struct str subject; /* what it is about: an id, never a person; "" is none */
    struct wall_time time;
    struct trace trace;
    struct str data; /* JSON that a json_writer has made */
};

struct event_feed {
    /*
     * The first event behind a position that is durable; the zero position is before all. Any
     * task; blocks for the journal's read at most. STATUS_NOT_FOUND: there is none yet.
     * STATUS_UNAVAILABLE, STATUS_CORRUPT. memory's contents are replaced; it holds at least
     * EVENT_SIZE_MAX.
     */
    enum status (*next)(struct event_feed *feed, struct position after, struct buf *memory,
                        struct feed_event *out_event, struct error *out_error);
};

/* Of an event with all its parts, and of its envelope. */
enum { EVENT_SIZE_MAX = 64 << 10 };

static inline int position_compare(struct position a, struct position b)
{
    if (a.batch != b.batch) return a.batch < b.batch ? -1 : 1;
    return a.index == b.index ? 0 : a.index < b.index ? -1 : 1;
}

#endif
