/* relay_store.h - how far deliveries got at each endpoint, and what could not be delivered. */
#ifndef PORT_RELAY_STORE_H
#define PORT_RELAY_STORE_H

#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "model/id.h"

/*
 * What is lost here is delivered again, under the same sequence numbers: they follow from the
 * journal and the endpoint. So it need not be synced per call; but after a crash it must show
 * some state that it was in, of each endpoint whole. Any task, one at a time for an endpoint;
 * each call within RELAY_STORE_CALL_S_MAX. STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_LIMIT (the
 * disk is full) may come from every call.
 */
enum { RELAY_STORE_CALL_S_MAX = 10 };

struct relay_state {
    struct uuid endpoint;
    struct position cursor;   /* all events up to it are delivered, dead letters, or not its own */
    uint64_t sequence;        /* of the newest event up to the cursor */
    uint64_t passed;          /* dead letters right before the next event */
    struct wall_time next_at; /* of the next attempt; 0: at once */
    struct wall_time failing_at; /* of the first failure since the last success; 0: none */
    uint32_t attempts;           /* of the event behind the cursor */
    uint16_t http_status;        /* of the last attempt; 0: no answer */
    bool disabled;               /* given up by itself: nothing is sent until it is enabled */
};

/* An event that was given up. */
struct dead_letter {
    struct uuid endpoint;
    uint64_t sequence;
    struct position position; /* of the event */
    struct wall_time at;
    uint32_t attempts;
    uint16_t http_status;
    bool redrive; /* asked for: to be tried again */
};

struct relay_store {
    /* STATUS_NOT_FOUND: nothing is known of it. */
    enum status (*load)(struct relay_store *store, struct uuid endpoint,
                        struct relay_state *out_state, struct error *out_error);
    /* The state, and with it, in one step, a letter put there or replaced; NULL: none. */
    enum status (*save)(struct relay_store *store, const struct relay_state *state,
                        const struct dead_letter *letter, struct error *out_error);
    /* Delivered after all. One that is not there is fine. */
    enum status (*remove)(struct relay_store *store, struct uuid endpoint, uint64_t sequence,
                          struct error *out_error);
    /* Those of an endpoint above a sequence, in order. Fewer than limit: that is all. */
    enum status (*letters)(struct relay_store *store, struct uuid endpoint, uint64_t above,
                           struct dead_letter *out_letters, uint32_t limit, uint32_t *out_count);
    /* Forgets an endpoint. */
    enum status (*forget)(struct relay_store *store, struct uuid endpoint, struct error *out_error);
    void (*close)(struct relay_store *store);
};

#endif
