#include "cmd/serve_cache.h"

#include "adapter/redis_cache.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/metric_text.h"
#include "cmd/redis_options.h"
#include "wallet/cache_relay.h"

enum { KEY_SIZE = 32 };

/* ---- Options ---- */

enum status serve_cache_open(const struct invocation *invocation, uint32_t lane,
                             struct serve_cache *out_cache, struct error *out_error)
{
    *out_cache = (struct serve_cache){ 0 };
    if (invocation_text(invocation, "redis") == NULL) return STATUS_OK;
    struct redis_place place = { 0 };
    enum status status = redis_options_read(invocation, &place, &out_cache->password, out_error);
    if (status != STATUS_OK) return status;
    entropy_fill(system_entropy(), out_cache->key.bytes, KEY_SIZE);
    out_cache->key.size = KEY_SIZE;
    struct redis_cache_options options = REDIS_CACHE_OPTIONS_DEFAULT;
    options.host = place.host;
    options.port = place.port;
    options.database = place.database;
    options.user = place.user;
    options.password = out_cache->password.size == 0 ? NULL : &out_cache->password;
    options.key = &out_cache->key;
    options.lane = lane;
    options.prefix = invocation_text(invocation, "redis-prefix");
    options.clock = system_clock();
    options.entropy = system_entropy();
    return redis_cache_open(&options, &out_cache->cache, out_error);
}

void serve_cache_close(struct serve_cache *cache)
{
    if (cache->cache != NULL) cache->cache->close(cache->cache);
    cache->cache = NULL;
    secret_done(&cache->password);
    secret_done(&cache->key);
}

/* ---- Running ---- */

static uint64_t head_batch(void *owner)
{
    struct serve_cache *cache = owner;
    struct lane_status status;
    lane_get_status(cache->lane, &status);
    return status.head.sequence;
}

static enum status accounts_read(void *owner, const struct uuid *ids, uint32_t count,
                                 struct account_state *out_states, uint64_t *out_batch)
{
    struct serve_cache *cache = owner;
    struct read read = {
        .kind = READ_ACCOUNTS, .count = count, .ids = ids, .accounts = out_states
    };
    struct request request = { .kind = REQUEST_READ,
                               .principal = PRINCIPAL_SYSTEM,
                               .root = lane_new_id(cache->lane),
                               .read = &read };
    enum status status = lane_run(cache->lane, &request);
    if (status == STATUS_OK) *out_batch = read.as_of_batch;
    return status;
}

enum status serve_cache_start(struct serve_cache *cache, struct lane *lane,
                              const struct lane_ports *ports, struct error *out_error)
{
    if (cache->cache == NULL) return STATUS_OK;
    cache->lane = lane;
    struct lane_status lane_status;
    lane_get_status(lane, &lane_status);
    const struct cache_relay_ports relay_ports = {
        .sync = ports->sync,
        .clock = ports->clock,
        .log = ports->log,
        .store = ports->store,
        .cache = cache->cache,
        .source = { head_batch, accounts_read, cache },
    };
    struct cache_relay_options options = CACHE_RELAY_OPTIONS_DEFAULT;
    options.epoch = lane_status.head.epoch;
    return cache_relay_open(&relay_ports, &options, &cache->relay, out_error);
}

void serve_cache_stop(struct serve_cache *cache)
{
    cache_relay_close(cache->relay);
    cache->relay = NULL;
}

static void value_write(struct buf *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    metric_head_write(out, name, type, help);
    buf_append_format(out, "%s %llu\n", name, (unsigned long long)value);
}

void serve_cache_metrics(struct serve_cache *cache, struct buf *out_page)
{
    if (cache->cache == NULL || cache->relay == NULL) return;
    struct redis_cache_status reads;
    struct cache_relay_status relay;
    redis_cache_get_status(cache->cache, &reads);
    cache_relay_get_status(cache->relay, &relay);
    uint64_t head = head_batch(cache);
    value_write(out_page, "tpwallet_cache_followed", "gauge",
                "1 while the cache is kept behind the journal", relay.begun);
    value_write(out_page, "tpwallet_cache_lag_batches", "gauge",
                "Durable batches that the cache does not know of",
                head > relay.batch ? head - relay.batch : 0);
    value_write(out_page, "tpwallet_cache_breaker_open", "gauge",
                "1 while the cache is not asked, since it did not answer", reads.open);
    value_write(out_page, "tpwallet_cache_hits_total", "counter", "Reads the cache had",
                reads.hits);
    value_write(out_page, "tpwallet_cache_misses_total", "counter", "Reads the cache had not",
                reads.misses);
    value_write(out_page, "tpwallet_cache_rejected_total", "counter",
                "Misses of what was there, and was not put there by this server", reads.rejected);
    value_write(out_page, "tpwallet_cache_failures_total", "counter",
                "Calls that the cache did not answer", reads.failures);
    value_write(out_page, "tpwallet_cache_updates_total", "counter",
                "Values told to the cache as changed", relay.updates);
    value_write(out_page, "tpwallet_cache_forgotten_total", "counter",
                "How often the whole cache was begun anew", relay.forgotten);
}
