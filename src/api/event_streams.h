/* event_streams.h - streams of events: new ones go out as they become durable, one task for all. */
#ifndef API_EVENT_STREAMS_H
#define API_EVENT_STREAMS_H

#include "base/error.h"
#include "crypto/digest.h"
#include "port/api_call.h"
#include "wallet/event_feed.h"
#include "wallet/key_ring.h"
#include "wallet/lane.h"

/*
 * A stream is an answer in parts (port/api_call.h), each of some server-sent events
 * (https://html.spec.whatwg.org/#server-sent-events), whose ids are their positions. One task
 * looks for new events while somebody waits, makes their text once, and copies it to those who
 * wait; who is further behind is given a part out of the journal at a time, between two looks. A
 * stream that has been given nothing for heartbeat_ms is given a comment.
 *
 * Memory: a part of about EVENT_PART_SIZE for each stream, in its call's answer, and 2 MiB. A
 * reader who is slow asks seldom: nothing is kept for him.
 */
enum {
    EVENT_STREAMS_MAX = 16384,
    EVENT_PART_SIZE = 32 << 10,   /* past it a part ends; an event more may be over it */
    EVENT_HEARTBEAT_MS = 15000,   /* proxies give up after a minute, most of them */
    EVENT_STREAMS_DEFAULT = 1024, /* streams at once */
    EVENT_KEY_LOOK_MS = 1000,     /* how long after a key's revocation its streams end */
};

struct event_streams_options {
    struct lane *lane;     /* all belong to the caller and outlive the streams */
    struct key_ring *keys; /* where API keys are; NULL: in the lane */
    struct sync *sync;
    struct clock *clock;
    struct log *log;
    struct event_feed *feed; /* nobody else's: its place is here */
    uint32_t streams_max;    /* at most EVENT_STREAMS_MAX */
    uint32_t heartbeat_ms;   /* not 0 */
};

struct event_streams;

/* STATUS_LIMIT: no memory. STATUS_UNAVAILABLE: no task can be started. */
enum status event_streams_new(const struct event_streams_options *options,
                              struct event_streams **out_streams, struct error *out_error)
    MUST_CHECK;
/* Every stream was left. Accepts NULL. */
void event_streams_free(struct event_streams *streams);

/*
 * Makes the call one that streams the events behind a position, as long as the key is live (NULL:
 * it came without one). Any task. STATUS_LIMIT: there are too many. STATUS_STOPPED.
 */
enum status event_streams_join(struct event_streams *streams, struct api_call *call,
                               struct position after, const struct digest *key) MUST_CHECK;

/* As api_service has them; any task, but for one call one after the other. */
enum api_progress event_streams_more(struct event_streams *streams, struct api_call *call);
void event_streams_hurry(struct event_streams *streams, struct api_call *call);
void event_streams_leave(struct event_streams *streams, struct api_call *call);
void event_streams_stop(struct event_streams *streams);

struct event_streams_status {
    uint64_t open;       /* now */
    uint64_t refused;    /* too many, since the start; so below */
    uint64_t events;     /* sent, each to each */
    uint64_t heartbeats; /* the same */
    uint64_t revoked;    /* ended for a key that was revoked */
};
/* Any task. */
void event_streams_get_status(struct event_streams *streams,
                              struct event_streams_status *out_status);

#endif
