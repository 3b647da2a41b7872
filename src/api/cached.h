/* cached.h - reads that may be answered from the cache, when the client says how old is good enough. */
#ifndef API_CACHED_H
#define API_CACHED_H

#include "api/work.h"

/* Whether the call allows an age, and there is a cache. */
bool cached_allowed(const struct work *work);

/*
 * On a worker: the value, when the cache has it, not older than max_stale_ms and not before
 * min_position. The answer will then say its position and age (headers). False: read it from the
 * lane, and give it to cached_keep() as of that read.
 */
bool cached_take(struct work *work, enum cache_kind kind, struct cache_entry *out_entry);
void cached_keep(struct work *work, const struct cache_entry *entry);

#endif
