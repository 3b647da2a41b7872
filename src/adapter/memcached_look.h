/* memcached_look.h - a Memcached looked at from outside: what it says of itself, and values by key. */
#ifndef ADAPTER_MEMCACHED_LOOK_H
#define ADAPTER_MEMCACHED_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "base/str.h"

/*
 * Over its text protocol: stats, lru_crawler metadump, and meta get, which needs 1.6 or later and
 * does not count as a use of the item. Each call within MEMCACHED_LOOK_MS_MAX without an answer.
 * STATUS_UNAVAILABLE may come from each; STATUS_CORRUPT: it answers what is not of the protocol.
 * One thread at a time.
 */
struct memcached_look;

enum {
    MEMCACHED_LOOK_MS_MAX = 5000,
    MEMCACHED_KEY_LEN_MAX = 250,
    MEMCACHED_VALUE_SIZE_MAX = 1 << 20, /* larger ones are passed over */
};

/* endpoint: HOST:PORT. STATUS_INVALID: it is not of that form. */
enum status memcached_look_open(const char *endpoint, struct memcached_look **out_look,
                                struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void memcached_look_close(struct memcached_look *look);

/* What `stats` says, a name and a value each; views are good during the visit. */
enum status memcached_look_stats(struct memcached_look *look,
                                 void (*visit)(void *owner, struct str name, struct str value),
                                 void *owner, struct error *out_error) MUST_CHECK;

/* Views are good until the next call. */
struct memcached_value {
    bool whole; /* false: it is too large, and text is empty */
    struct str text;
    int64_t ttl_s; /* -1: it does not expire */
    uint64_t cas;
};
/* STATUS_NOT_FOUND; STATUS_INVALID: no such key can be there. */
enum status memcached_look_get(struct memcached_look *look, struct str key,
                               struct memcached_value *out_value, struct error *out_error)
    MUST_CHECK;

/*
 * The keys that are there, as views that are good during the visit, which must not ask for
 * anything; visit returns false when it has enough. STATUS_DENIED: it does not list them.
 */
enum status memcached_look_keys(struct memcached_look *look,
                                bool (*visit)(void *owner, struct str key), void *owner,
                                struct error *out_error) MUST_CHECK;

#endif
