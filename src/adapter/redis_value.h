/* redis_value.h - what the cache stores in Redis: numbers, values and frontiers, and their seals. */
#ifndef ADAPTER_REDIS_VALUE_H
#define ADAPTER_REDIS_VALUE_H

#include "base/str.h"
#include "crypto/hmac.h"
#include "port/cache.h"

/*
 * Whoever may write in Redis may put anything there. So values and frontiers bear a seal, an HMAC
 * with a key that is not in Redis, over all that they say and where they are: what another lane, key
 * or process has sealed is none. What was true once stays sealed, and may be put back: therefore a
 * seal counts for as long as a value lives, and no longer.
 */

enum { REDIS_NUMBER_SIZE = 24, REDIS_KEY_SIZE = 192 };

/* A number as scripts compare it: 20 digits. */
const char *redis_number_text(uint64_t number, char text[REDIS_NUMBER_SIZE]);
/* False: it is not 20 digits, or too large. */
bool redis_number_read(struct str text, uint64_t *out_number) MUST_CHECK;

/* As it is stored. */
struct redis_value {
    uint32_t format;
    uint32_t kind;
    uint64_t version;
    int64_t sealed_ns;  /* monotonic, of who has sealed it */
    uint64_t check;     /* XXH3 of the value: whether it is whole, for those without the key */
    struct digest seal; /* of all else */
    union {
        struct account_state account;
        struct payment payment;
    } value;
};
_Static_assert(offsetof(struct redis_value, value) == 64, "as it is stored");

/* For whom, and where, things are sealed. */
struct redis_seal {
    const struct hmac_key *key;
    const char *stem; /* PREFIX:LANE: */
    struct monotonic_time now;
    uint32_t ttl_ms;
};

/* ":a:ID" or ":p:ID", what a value's key ends with. */
const char *redis_value_suffix(enum cache_kind kind, struct uuid id, char text[REDIS_KEY_SIZE]);
size_t redis_value_size(enum cache_kind kind);

void redis_value_make(const struct redis_seal *seal, const struct cache_entry *entry,
                      struct redis_value *out_value);
/* False: it is not whole, or of another kind or id. The seal is not looked at. */
bool redis_value_read(struct str bytes, enum cache_kind kind, struct uuid id,
                      struct redis_value *out_value) MUST_CHECK;
/* Whether it is what we have put there, and not longer ago than a value lives. */
bool redis_value_sealed(const struct redis_seal *seal, const struct redis_value *value) MUST_CHECK;
struct cache_entry redis_value_entry(const struct redis_value *value);

/* A frontier as it stands in Redis: texts that are not trusted yet. */
struct redis_frontier {
    struct str generation;
    struct str batch;
    struct str at;
    struct str seal;
};
struct digest redis_frontier_seal(const struct redis_seal *seal,
                                  const struct redis_frontier *frontier);
/* False: it is none that we have put there. */
bool redis_frontier_read(const struct redis_seal *seal, const struct redis_frontier *frontier,
                         struct cache_frontier *out_frontier) MUST_CHECK;

#endif
