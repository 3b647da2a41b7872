/* webhook_relay.h - sends the journal's events to endpoints: in order, at least once, or dead. */
#ifndef WALLET_WEBHOOK_RELAY_H
#define WALLET_WEBHOOK_RELAY_H

#include "port/clock.h"
#include "port/http_out.h"
#include "port/relay_store.h"
#include "port/sync.h"
#include "port/tracer.h"
#include "wallet/endpoint_walk.h"

/*
 * Each endpoint has a cursor over the feed. The event behind it is sent until it is answered with
 * 2xx, or given up as a dead letter; only then the next one follows, which says how many it has
 * passed ("passed" in the envelope). Dead letters are tried again when asked for (redrive), out of
 * order, and say so ("redriven"). 410 and failing for too long disable the endpoint.
 *
 * A webhook is the event's envelope, signed as Standard Webhooks have it with every key that is
 * live; webhook-id is the event's id. What is answered must be whole, below RELAY_ANSWER_SIZE_MAX
 * and in time.
 *
 * Memory is reserved at open, about 4 KiB for each endpoint. All calls from any task; those about
 * one endpoint wait for its delivery under way, which takes call_ms_max at most.
 */
enum { RELAY_ENDPOINTS_MAX = 1024, RELAY_WORKERS_MAX = 32, RELAY_ANSWER_SIZE_MAX = 64 << 10 };

struct webhook_relay_ports { /* all belong to the caller and outlive the relay */
    struct sync *sync;
    struct clock *clock;
    struct http_out *http;
    struct event_feed *feed;
    struct relay_store *store;
    struct tracer *tracer; /* NULL: nobody watches */
};

struct webhook_relay_options {
    uint32_t endpoints_max; /* at most RELAY_ENDPOINTS_MAX */
    uint32_t workers; /* tasks, at most RELAY_WORKERS_MAX; 0: webhook_relay_step() is called */
    uint32_t connect_ms_max;
    uint32_t call_ms_max;
    uint32_t poll_ms;     /* how often to look at the feed without a webhook_relay_wake() */
    bool private_allowed; /* endpoints may be on loopback and private addresses */
    uint64_t seed;        /* of the jitter; different in each process */
    struct delivery_policy policy;
    /* The endpoint has disabled itself, and that is saved; called by a worker. NULL: nobody. */
    void (*on_disabled)(void *owner, const struct relay_state *state);
    void *owner;
};
/* 256 endpoints, 8 workers, 5 s and 15 s, 1 s, public addresses only. */
extern const struct webhook_relay_options WEBHOOK_RELAY_OPTIONS_DEFAULT;

struct webhook_relay;

/* STATUS_LIMIT: no memory. STATUS_UNAVAILABLE: no task can be started. */
enum status webhook_relay_open(const struct webhook_relay_ports *ports,
                               const struct webhook_relay_options *options,
                               struct webhook_relay **out_relay, struct error *out_error)
    MUST_CHECK;
/* Ends the tasks after the deliveries under way. Accepts NULL. */
void webhook_relay_close(struct webhook_relay *relay);

/*
 * Adds an endpoint, by a copy with keys of its own, where its state says it got to; it is begun
 * at `since` when nothing is known of it. STATUS_CONFLICT: it is there. STATUS_LIMIT: too many.
 * STATUS_CORRUPT, STATUS_UNAVAILABLE: of the relay store.
 */
enum status webhook_relay_add(struct webhook_relay *relay, const struct webhook_endpoint *endpoint,
                              struct error *out_error) MUST_CHECK;

/*
 * Changes an endpoint between two deliveries: `change` gets a copy, whose since and sequence_base
 * stand where delivery has got to, so that filters may change without a gap in the numbers. It
 * edits the copy, makes it durable, and returns STATUS_OK; else nothing changes and its status is
 * returned. STATUS_NOT_FOUND: no such endpoint.
 */
typedef enum status (*webhook_change)(void *owner, struct webhook_endpoint *endpoint);
enum status webhook_relay_change(struct webhook_relay *relay, struct uuid endpoint,
                                 webhook_change change, void *owner) MUST_CHECK;

/* Takes it out and forgets its state. STATUS_NOT_FOUND. */
enum status webhook_relay_remove(struct webhook_relay *relay, struct uuid endpoint,
                                 struct error *out_error) MUST_CHECK;
/* As it stands. STATUS_NOT_FOUND. */
enum status webhook_relay_state(struct webhook_relay *relay, struct uuid endpoint,
                                struct relay_state *out_state) MUST_CHECK;
/* After it has disabled itself, or to try at once: forgets the failures. STATUS_NOT_FOUND. */
enum status webhook_relay_enable(struct webhook_relay *relay, struct uuid endpoint,
                                 struct error *out_error) MUST_CHECK;
/* Lets a dead letter, or with sequence 0 all, be tried again; counts them. STATUS_NOT_FOUND. */
enum status webhook_relay_redrive(struct webhook_relay *relay, struct uuid endpoint,
                                  uint64_t sequence, uint32_t *out_count, struct error *out_error)
    MUST_CHECK;
/* "What did I miss": as endpoint_missed(); endpoint and from are filled here. STATUS_NOT_FOUND. */
enum status webhook_relay_missed(struct webhook_relay *relay, struct uuid endpoint,
                                 struct missed_question *question, struct buf *memory,
                                 struct missed_answer *out_answer, struct error *out_error)
    MUST_CHECK;

/* Attempts since the start: what came of each. */
struct webhook_relay_counts {
    uint64_t delivered;
    uint64_t failed;
    uint64_t dead; /* dead letters made of those that failed */
};
void webhook_relay_get_counts(struct webhook_relay *relay, struct webhook_relay_counts *out_counts);

/* There are new events. */
void webhook_relay_wake(struct webhook_relay *relay);

/*
 * One delivery, or one look at the feed, of an endpoint that is due; false: none is. For
 * relays without workers, one task at a time.
 */
bool webhook_relay_step(struct webhook_relay *relay);

#endif
