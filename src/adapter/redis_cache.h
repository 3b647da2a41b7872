/* redis_cache.h - port/cache.h over Redis: scripts that compare versions, short deadlines, a breaker. */
#ifndef ADAPTER_REDIS_CACHE_H
#define ADAPTER_REDIS_CACHE_H

#include "crypto/secret.h"
#include "port/cache.h"
#include "port/clock.h"
#include "port/entropy.h"

/*
 * One Redis (not a cluster: scripts touch keys of one prefix in several slots). Keys are
 * PREFIX:LANE:meta, and for values PREFIX:LANE:GENERATION:a:ID and :p:ID, which expire after
 * ttl_ms. Forgetting is a new generation: what is of an old one is not looked at any more.
 *
 * Values and frontiers are sealed with a key (redis_value.h). What is there and not sealed with it, or
 * longer than ttl_ms ago, is a miss; a frontier that is not makes the owner begin anew.
 *
 * Two connections, made when they are needed: one for readers, who wait for each other, and one for
 * the owner.
 */
struct redis_cache_options {
    const char *host; /* a name or address */
    uint16_t port;
    uint32_t database;
    const char *user;              /* NULL: the default one */
    const struct secret *password; /* NULL: none is asked for; outlives the cache */
    const struct secret *key;      /* of the seals: for one process, or for tests, never in Redis */
    const char *prefix;            /* "tpwallet" */
    uint32_t lane;
    uint32_t ttl_ms;
    uint32_t read_ms;  /* a reader waits so long for Redis, connecting included */
    uint32_t owner_ms; /* the same, of the owner */
    struct clock *clock;
    struct entropy *entropy;
};
extern const struct redis_cache_options REDIS_CACHE_OPTIONS_DEFAULT;

/* Redis is not asked yet. STATUS_LIMIT: no memory. */
enum status redis_cache_open(const struct redis_cache_options *options, struct cache **out_cache,
                             struct error *out_error) MUST_CHECK;

struct redis_cache_status {
    uint64_t hits;
    uint64_t misses;
    uint64_t rejected; /* of these: something was there, and not what we have put there */
    uint64_t failures; /* calls that were not answered in time, or with an error */
    uint64_t skipped;  /* calls that were not made, since the breaker was open */
    bool open;         /* the breaker is */
};
/* Of a cache that redis_cache_open() has made. Any task. */
void redis_cache_get_status(struct cache *cache, struct redis_cache_status *out_status);

/* The values that are there, of all accounts and payments; views are good during the visit. */
enum status redis_cache_list(struct cache *cache,
                             bool (*visit)(void *owner, enum cache_kind kind, struct uuid id),
                             void *owner, struct error *out_error) MUST_CHECK;
/*
 * For who looks at a Redis from outside: what a key of such a cache is made of, and what the field
 * "d" of its hash says, whoever has sealed it. META is "STEM:meta"; the field "gen" of it is the generation that counts.
 * False: it is none of a cache's.
 */
struct redis_cache_key {
    struct str stem; /* PREFIX:LANE */
    struct str generation;
    enum cache_kind kind;
    struct uuid id;
};
bool redis_cache_key(struct str key, struct redis_cache_key *out_key);
bool redis_cache_value(const struct redis_cache_key *key, struct str stored,
                       struct cache_entry *out_entry);

/* Drops the whole: its owner begins anew within a moment, and it is filled by reads. */
enum status redis_cache_drop(struct cache *cache, struct error *out_error) MUST_CHECK;

#endif
