#include "api/cached.h"

bool cached_allowed(const struct work *work)
{
    bool asked = (work->query.present & PARAMETER_MAX_STALE_MS) != 0;
    return asked && work->api->options.cache != NULL;
}

bool cached_take(struct work *work, enum cache_kind kind, struct cache_entry *out_entry)
{
    struct cache *cache = work->api->options.cache;
    struct cache_frontier frontier;
    if (cache->get(cache, kind, work->id, out_entry, &frontier) != STATUS_OK) return false;
    int64_t age_ns = clock_wall(work->api->ports.clock).ns - frontier.at.ns;
    uint64_t age_ms = age_ns < 0 ? 0 : (uint64_t)(age_ns / NS_PER_MS);
    if (age_ms > work->query.max_stale_ms) return false;
    if (frontier.batch < work->query.min_position.batch) return false;
    work->cached = true;
    work->cached_batch = frontier.batch;
    work->cached_age_ms = age_ms;
    return true;
}

void cached_keep(struct work *work, const struct cache_entry *entry)
{
    struct cache *cache = work->api->options.cache;
    if (entry->version == 0) return;
    (void)cache->fill(cache, entry); /* what is not kept is read again */
}
