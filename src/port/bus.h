/* bus.h - a message bus that takes a lane's events in runs: each run whole, and once. */
#ifndef PORT_BUS_H
#define PORT_BUS_H

#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "base/time.h"
#include "model/id.h"

/*
 * What a lane has published is kept by the bus itself, in the same step as the events, so that
 * nothing beside it can disagree. Whoever begins a lane is told where it stands, and everybody who
 * published it before is shut out. Readers that see only what is committed get each event once.
 *
 * One task at a time for a bus; each call takes BUS_CALL_S_MAX at most.
 */
enum {
    BUS_CALL_S_MAX = 60,
    BUS_RUN_EVENTS_MAX = 8192,      /* of one publish */
    BUS_RUN_SIZE_MAX = 8 << 20,     /* their keys and values together */
    BUS_EVENT_SIZE_MAX = 128 << 10, /* key and value; an event with its envelope has less */
    BUS_KEY_SIZE_MAX = 64,
};

/* How far a lane is published: the newest event's position and time. Zeroed: nothing is. */
struct bus_mark {
    struct position position;
    struct wall_time time;
};

struct bus_event {  /* views stay unchanged during the call */
    struct str key; /* what it is about: those of one key belong together; 1 to BUS_KEY_SIZE_MAX */
    struct str value;       /* its envelope */
    struct str traceparent; /* W3C Trace Context, to be sent beside it; "" is none */
    struct wall_time time;
};

struct bus {
    /*
     * Takes a lane: shuts out whoever began it before, ends what they left half done, and tells
     * the newest mark. epoch is that of the lane's ownership, above 0. Again after every failure.
     * STATUS_FENCED: a higher epoch has begun it; this owner must stop. STATUS_UNAVAILABLE: the
     * bus does not answer. STATUS_DENIED: not with these rights. STATUS_NOT_FOUND: there is no
     * such place on the bus, nor may it be made. STATUS_CORRUPT: the mark cannot be read.
     */
    enum status (*begin)(struct bus *bus, uint32_t lane, uint64_t epoch, struct bus_mark *out_mark,
                         struct error *out_error);
    /*
     * 1 to BUS_RUN_EVENTS_MAX events and the mark of the last one, all or nothing; only after a
     * begin. STATUS_OK: they can be read. Otherwise nothing more is taken before the next begin:
     * STATUS_UNAVAILABLE: none can or will be read. STATUS_IN_DOUBT: all or none; begin() tells.
     * STATUS_FENCED: somebody else has begun the lane; begin() tells whether rightly.
     * STATUS_LIMIT: the bus takes no event of this size.
     */
    enum status (*publish)(struct bus *bus, const struct bus_event *events, uint32_t count,
                           struct bus_mark mark, struct error *out_error);
    void (*close)(struct bus *bus);
    /* For spans, as OpenTelemetry names systems and destinations: "kafka", and the topic. */
    struct str system;
    struct str destination;
};

#endif
