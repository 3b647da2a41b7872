/* endpoint_walk.h - the events that an endpoint is sent, each with its sequence number. */
#ifndef WALLET_ENDPOINT_WALK_H
#define WALLET_ENDPOINT_WALK_H

#include "wallet/event_feed.h"
#include "webhook/endpoint.h"

/* Where a walk stands: sequence is that of the newest wanted event up to position. */
struct endpoint_walk {
    struct position position;
    uint64_t sequence;
};

/* At the endpoint's beginning. */
struct endpoint_walk endpoint_walk_begin(const struct webhook_endpoint *endpoint);

/* Events looked at in one call; then it comes up for air. */
enum { ENDPOINT_WALK_EVENTS_MAX = 1000 };

/*
 * Goes on to the next event that the endpoint wants; *walk then stands at it. STATUS_NOT_FOUND:
 * there is none yet; STATUS_TIMEOUT: ENDPOINT_WALK_EVENTS_MAX were not wanted. With both, and with
 * the feed's own failures, *walk has moved past what is not wanted.
 */
enum status endpoint_walk_next(const struct webhook_endpoint *endpoint, struct event_feed *feed,
                               struct endpoint_walk *walk, struct buf *memory,
                               struct feed_event *out_event, struct error *out_error) MUST_CHECK;

/* The position right before one: what next() gives behind it is the event there. */
struct position position_before(struct position position);

/*
 * "What did I miss": the events above sequence `since`, at most limit of them, from the feed
 * alone. Walks from the endpoint's beginning, or from `from`, whose sequence must be at most
 * `since` to be of use; a read of the feed for each event on the way, about walk_max in all.
 */
struct missed_question {
    const struct webhook_endpoint *endpoint;
    struct endpoint_walk from;
    uint64_t since;
    uint32_t limit;
    uint64_t walk_max;
    /* false stops. The views are good during the call. */
    bool (*visit)(void *owner, const struct feed_event *event, uint64_t sequence);
    void *owner;
};
struct missed_answer {
    uint64_t count;    /* given */
    uint64_t sequence; /* the newest that was seen: where to go on */
    bool complete;     /* there is nothing after what was given */
};
enum status endpoint_missed(const struct missed_question *question, struct event_feed *feed,
                            struct buf *memory, struct missed_answer *out_answer,
                            struct error *out_error) MUST_CHECK;

#endif
