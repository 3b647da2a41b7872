/* errand_sender.h - tells a receiver of each event in a consumer's book: in order, until it answers 2xx. */
#ifndef WALLET_ERRAND_SENDER_H
#define WALLET_ERRAND_SENDER_H

#include "port/clock.h"
#include "port/event_store.h"
#include "port/http_out.h"
#include "port/sync.h"
#include "port/tracer.h"

/*
 * A task of its own posts the first errand that waits, as the CloudEvent that it is, and drops it
 * once that is answered with 2xx; whatever else comes of it, the same is sent again after a wait
 * that doubles. So each event arrives at least once and, as it first arrives, in order; a receiver
 * drops what it has had by the event's source and id. Whoever refuses an event for ever holds up
 * those behind it, and the store keeps them.
 *
 * Of several senders over one store one sends: it has claimed that for lease_ms, by the wall clock.
 */
struct errand_sender_ports { /* all belong to the caller and outlive the sender */
    struct sync *sync;
    struct clock *clock;
    struct http_out *http;
    struct event_store *store; /* the sender's own */
    struct tracer *tracer;     /* NULL: nobody watches; else what was watched before is */
};

struct errand_sender_options {
    const char *url;          /* of the receiver */
    struct str authorization; /* the header's value; "": none */
    uint64_t token;           /* another one for each sender; not 0 */
    uint32_t lease_ms;        /* above twice call_ms_max */
    uint32_t connect_ms_max;
    uint32_t call_ms_max;
    uint32_t poll_ms; /* how often to look when nothing waits */
    uint32_t retry_ms_min;
    uint32_t retry_ms_max;
    bool private_allowed; /* the receiver may be on loopback and private addresses */
    bool task;            /* false: errand_sender_step() is called */
};
/* 60 s, 5 s and 10 s, 200 ms, 1 s to 60 s, public addresses only, with a task. */
extern const struct errand_sender_options ERRAND_SENDER_OPTIONS_DEFAULT;

struct errand_sender_counts {
    uint64_t sent;
    uint64_t failed;       /* tries that are made again */
    unsigned http_status;  /* of the newest try; 0: no answer */
    enum status unhealthy; /* what the store said last; STATUS_OK: it works */
};

struct errand_sender;

/* STATUS_LIMIT: no memory. STATUS_UNAVAILABLE: the task cannot be started. */
enum status errand_sender_open(const struct errand_sender_ports *ports,
                               const struct errand_sender_options *options,
                               struct errand_sender **out_sender, struct error *out_error)
    MUST_CHECK;
/* After the call under way; gives the claim back. Accepts NULL. */
void errand_sender_close(struct errand_sender *sender);

/* Any task. */
void errand_sender_get_counts(struct errand_sender *sender,
                              struct errand_sender_counts *out_counts);

/* A try to send, or a look; false: there is nothing to do yet. Without a task. */
bool errand_sender_step(struct errand_sender *sender);

#endif
