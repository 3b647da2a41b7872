/* serve_cache.h - what a server needs to keep a cache of reads in Redis. */
#ifndef CMD_SERVE_CACHE_H
#define CMD_SERVE_CACHE_H

#include "base/buf.h"
#include "cmd/invocation.h"
#include "crypto/secret.h"
#include "wallet/lane.h"

struct cache;
struct cache_relay;

/* Zeroed: there is none. Stays where it was opened. */
struct serve_cache {
    struct cache *cache; /* NULL: there is none */
    struct cache_relay *relay;
    struct lane *lane;
    struct secret password;
    struct secret key; /* made anew each time: what other processes have put there is not read */
};

/*
 * From the options --redis, --redis-password, --redis-user and --redis-prefix; the password may
 * also stand in TPWALLET_REDIS_PASSWORD. STATUS_INVALID, STATUS_NOT_FOUND, STATUS_DENIED,
 * STATUS_LIMIT. Redis is not asked yet. To be closed either way.
 */
enum status serve_cache_open(const struct invocation *invocation, uint32_t lane,
                             struct serve_cache *out_cache, struct error *out_error) MUST_CHECK;
/* When it does not run. Accepts a zeroed struct. */
void serve_cache_close(struct serve_cache *cache);

/* Begins to follow an open lane, which this process owns. To be stopped either way. */
enum status serve_cache_start(struct serve_cache *cache, struct lane *lane,
                              const struct lane_ports *ports, struct error *out_error) MUST_CHECK;
/* Also when it was not started. */
void serve_cache_stop(struct serve_cache *cache);

void serve_cache_metrics(struct serve_cache *cache, struct buf *out_page);

#endif
