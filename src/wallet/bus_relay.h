/* bus_relay.h - publishes a lane's events on the bus, in order, each once, and by its owner only. */
#ifndef WALLET_BUS_RELAY_H
#define WALLET_BUS_RELAY_H

#include "port/bus.h"
#include "port/clock.h"
#include "port/log.h"
#include "port/sync.h"
#include "port/tracer.h"
#include "wallet/event_feed.h"

/*
 * A task of its own reads the feed and hands events over in runs. Where to go on is told by the
 * bus (port/bus.h), so nothing is kept here. When the bus does not answer, it is asked again after
 * a wait that doubles up to retry_ms_max, and the journal simply keeps what is not yet published.
 *
 * Each try to publish an event that is watched is a span, and the traceparent that travels beside
 * the event names it; beside others it names the unit's span and says that it is not sampled.
 *
 * It publishes nothing behind a mark that its journal does not have: after a journal was taken
 * back, or under a topic of another ledger, it stops and raises an alarm. It stops for good as
 * well when a later owner has begun the lane; when the bus alone says so, and the journal knows of
 * none, that is an alarm, too: whoever may write there can say anything.
 *
 * Memory: options.run_size_max and what one event needs, reserved at open.
 */
struct bus_relay_ports { /* all belong to the caller and outlive the relay */
    struct sync *sync;
    struct clock *clock;
    struct log *log;
    struct event_feed *feed; /* the relay's own */
    struct bus *bus;
    struct tracer *tracer; /* NULL: nobody watches */
};

struct bus_relay_options {
    uint32_t lane;
    uint64_t epoch;          /* of the lane's ownership */
    uint32_t run_events_max; /* 1 to BUS_RUN_EVENTS_MAX */
    uint32_t run_size_max;   /* EVENT_SIZE_MAX to BUS_RUN_SIZE_MAX */
    uint32_t poll_ms;        /* how often to look at the feed when it has nothing */
    uint32_t retry_ms_min;   /* after a failure; doubled with each */
    uint32_t retry_ms_max;
    bool task; /* false: bus_relay_step() is called */
    /* The newest durable batch, for the lag. NULL: it is not told. */
    uint64_t (*head)(void *owner);
    /* The epoch of whoever owns the lane now, by the journal. Fails as store.head(). */
    enum status (*epoch_now)(void *owner, uint64_t *out_epoch, struct error *out_error);
    void *owner;
};
/* 4,096 events, 4 MiB, 10 ms, 250 ms to 30 s, with a task. */
extern const struct bus_relay_options BUS_RELAY_OPTIONS_DEFAULT;

enum bus_relay_state {
    BUS_BEGINNING, /* the bus is asked where the lane stands */
    BUS_PUBLISHING,
    BUS_FENCED,  /* a later owner publishes the lane */
    BUS_REFUSED, /* the bus has what this journal does not have: see `fault` */
};

struct bus_relay_status {
    enum bus_relay_state state;
    struct bus_mark published;
    uint64_t lag_batches;    /* durable ones with something unpublished, at most */
    struct wall_time oldest; /* of the first event that is not published; 0: there is none */
    uint64_t events;         /* published since open, as all below */
    uint64_t runs;
    uint64_t failures;  /* calls of the bus that failed and are made again */
    struct error fault; /* the newest */
};

struct bus_relay;

/* STATUS_LIMIT: no memory. STATUS_UNAVAILABLE: the task cannot be started. */
enum status bus_relay_open(const struct bus_relay_ports *ports,
                           const struct bus_relay_options *options, struct bus_relay **out_relay,
                           struct error *out_error) MUST_CHECK;
/* After the call of the bus that is under way. Accepts NULL. */
void bus_relay_close(struct bus_relay *relay);

/* Any task. */
void bus_relay_get_status(struct bus_relay *relay, struct bus_relay_status *out_status);

/* Appends its families to the metrics' page, as of now. Any task. */
void bus_relay_metrics(struct bus_relay *relay, struct buf *out_page);

/* One call of the bus or look at the feed; false: there is nothing to do. Without a task. */
bool bus_relay_step(struct bus_relay *relay);

#endif
