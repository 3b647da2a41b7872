/* cache_relay.h - keeps a cache behind the journal: the lane's owner tells it what has changed. */
#ifndef WALLET_CACHE_RELAY_H
#define WALLET_CACHE_RELAY_H

#include "port/cache.h"
#include "port/clock.h"
#include "port/log.h"
#include "port/store.h"
#include "port/sync.h"

/*
 * A task of its own looks at each new batch, and replaces what the cache has of the accounts and
 * payments in it: accounts as they are in memory by then, payments as the batch has them. Then it
 * moves the cache's frontier. Without news it says so every poll_ms, so that age can be bounded.
 *
 * When it is too far behind, after an absence, or when the cache lost what it knew about itself,
 * everything is forgotten, and comes back by reads. Memory: about 700 KiB and a batch.
 */
struct cache_source { /* the lane, as the relay needs it; any call from the relay's task */
    uint64_t (*head)(void *owner); /* the newest durable batch */
    /* States of accounts as of *out_batch, which is durable; absent ones have a nil id. */
    enum status (*accounts)(void *owner, const struct uuid *ids, uint32_t count,
                            struct account_state *out_states, uint64_t *out_batch);
    void *owner;
};

struct cache_relay_ports { /* all belong to the caller and outlive the relay */
    struct sync *sync;
    struct clock *clock;
    struct log *log;
    struct store *store;
    struct cache *cache;
    struct cache_source source;
};

struct cache_relay_options {
    uint64_t epoch;       /* of the lane's ownership */
    uint32_t poll_ms;     /* between two looks at the journal */
    uint32_t retry_ms;    /* after a failure */
    uint32_t batches_max; /* further behind than this everything is forgotten */
    bool task;            /* false: cache_relay_step() is called */
};
/* 20 ms, 500 ms, 1,000 batches, with a task. */
extern const struct cache_relay_options CACHE_RELAY_OPTIONS_DEFAULT;

struct cache_relay_status {
    bool begun;     /* the cache is followed */
    bool fenced;    /* a later owner has it, or so the cache says: asked again after retry_ms */
    uint64_t batch; /* the frontier */
    uint64_t updates;
    uint64_t failures;
    uint64_t forgotten; /* how often everything was */
};

struct cache_relay;

/* STATUS_LIMIT: no memory. STATUS_UNAVAILABLE: the task cannot be started. */
enum status cache_relay_open(const struct cache_relay_ports *ports,
                             const struct cache_relay_options *options,
                             struct cache_relay **out_relay, struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void cache_relay_close(struct cache_relay *relay);
/* Any task. */
void cache_relay_get_status(struct cache_relay *relay, struct cache_relay_status *out_status);
/* One round; without a task. */
void cache_relay_step(struct cache_relay *relay);

#endif
