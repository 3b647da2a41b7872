#include "sim/sim_cache.h"

#include <stdlib.h>

#include "base/check.h"

enum { VALUES_MAX = 256, CALL_US_MAX = 8000, SLOW_MS_MAX = 90 };

struct sim_pantry {
    struct world *world;
    struct faults *faults;
    uint32_t open_count;
    uint64_t generation; /* 0: nothing is known of it */
    uint64_t generations;
    uint64_t epoch;
    uint64_t floor;
    struct cache_frontier frontier;
    uint32_t count;
    struct cache_entry values[VALUES_MAX];
};

struct sim_cache {
    struct cache port; /* first */
    struct sim_pantry *pantry;
    struct process *process;
    uint64_t generation; /* the owner's */
    uint64_t epoch;
};

struct sim_pantry *sim_pantry_new(struct world *world, struct faults *faults)
{
    struct sim_pantry *pantry = calloc(1, sizeof *pantry);
    CHECK(pantry != NULL);
    pantry->world = world;
    pantry->faults = faults;
    return pantry;
}

void sim_pantry_free(struct sim_pantry *pantry)
{
    if (pantry == NULL) return;
    CHECK(pantry->open_count == 0);
    free(pantry);
}

void sim_pantry_empty(struct sim_pantry *pantry)
{
    pantry->generation = 0;
    pantry->epoch = 0;
    pantry->count = 0;
}

static void lose(struct sim_pantry *pantry)
{
    if (fault_strikes(pantry->faults, SIM_FAULT_RUNS_LOST_ALL)) sim_pantry_empty(pantry);
    if (pantry->count > 0 && fault_strikes(pantry->faults, SIM_FAULT_RUNS_LOST)) {
        uint64_t at = fault_between(pantry->faults, SIM_FAULT_RUNS_LOST, 0, pantry->count - 1);
        pantry->values[at] = pantry->values[--pantry->count];
    }
}

/* What every call begins with; false: it does nothing. */
static bool enter(struct sim_cache *cache, enum sim_point point)
{
    struct sim_pantry *pantry = cache->pantry;
    if (!process_point(cache->process, point)) return false;
    int64_t us =
        (int64_t)fault_between(pantry->faults, SIM_FAULT_STORE_UNAVAILABLE, 1, CALL_US_MAX);
    if (fault_strikes(pantry->faults, SIM_FAULT_STORE_SLOW))
        us = (int64_t)fault_between(pantry->faults, SIM_FAULT_STORE_SLOW, 1, SLOW_MS_MAX) * 1000;
    task_sleep(pantry->world, us * NS_PER_US);
    if (cache->process->crashed) return false;
    lose(pantry);
    return !fault_strikes(pantry->faults, SIM_FAULT_STORE_UNAVAILABLE);
}

/* Whether the answer, after the effect, gets back. */
static enum status leave(struct sim_cache *cache, enum status status)
{
    if (fault_strikes(cache->pantry->faults, SIM_FAULT_LOST_REPLY)) return STATUS_UNAVAILABLE;
    return status;
}

static struct cache_entry *find(struct sim_pantry *pantry, enum cache_kind kind, struct uuid id)
{
    for (uint32_t i = 0; i < pantry->count; i++) {
        struct cache_entry *entry = &pantry->values[i];
        if (entry->kind == kind && uuid_equal(cache_entry_id(entry), id)) return entry;
    }
    return NULL;
}

static enum status sim_get(struct cache *port, enum cache_kind kind, struct uuid id,
                           struct cache_entry *out_entry, struct cache_frontier *out_frontier)
{
    struct sim_cache *cache = (struct sim_cache *)port;
    struct sim_pantry *pantry = cache->pantry;
    if (!enter(cache, SIM_POINT_STORE_READ)) return STATUS_UNAVAILABLE;
    const struct cache_entry *entry = find(pantry, kind, id);
    if (entry == NULL || pantry->generation == 0 || pantry->frontier.at.ns == 0)
        return leave(cache, STATUS_NOT_FOUND);
    enum status status = leave(cache, STATUS_OK);
    if (status != STATUS_OK) return status;
    *out_entry = *entry;
    *out_frontier = pantry->frontier;
    if (out_frontier->batch < entry->version) out_frontier->batch = entry->version;
    return STATUS_OK;
}

static enum status sim_fill(struct cache *port, const struct cache_entry *entry)
{
    struct sim_cache *cache = (struct sim_cache *)port;
    struct sim_pantry *pantry = cache->pantry;
    if (!enter(cache, SIM_POINT_STORE_APPEND)) return STATUS_UNAVAILABLE;
    struct cache_entry *there = find(pantry, entry->kind, cache_entry_id(entry));
    bool refused = pantry->generation == 0 || entry->version < pantry->floor ||
                   (there != NULL && there->version >= entry->version);
    if (refused) return leave(cache, STATUS_CONFLICT);
    if (there == NULL && pantry->count == VALUES_MAX) there = &pantry->values[0]; /* evicted */
    if (there == NULL) there = &pantry->values[pantry->count++];
    *there = *entry;
    return leave(cache, STATUS_OK);
}

static void begin_anew(struct sim_pantry *pantry, struct cache_frontier frontier)
{
    pantry->generation = ++pantry->generations;
    pantry->floor = frontier.batch;
    pantry->frontier = frontier;
    pantry->count = 0;
}

static enum status unavailable(struct error *out_error)
{
    return error_set(out_error, STATUS_UNAVAILABLE, "the cache does not answer");
}

static enum status sim_begin(struct cache *port, uint64_t epoch, uint64_t head,
                             struct cache_frontier *out_frontier, struct error *out_error)
{
    struct sim_cache *cache = (struct sim_cache *)port;
    struct sim_pantry *pantry = cache->pantry;
    if (!enter(cache, SIM_POINT_STORE_APPEND)) return unavailable(out_error);
    if (pantry->generation != 0 && pantry->epoch > epoch)
        return error_set(out_error, STATUS_FENCED, "a later owner has the cache");
    if (pantry->generation == 0 || pantry->frontier.batch > head)
        begin_anew(pantry, (struct cache_frontier){ .batch = head });
    pantry->epoch = epoch;
    cache->epoch = epoch;
    cache->generation = pantry->generation;
    *out_frontier = pantry->frontier;
    return leave(cache, STATUS_OK) == STATUS_OK ? STATUS_OK : unavailable(out_error);
}

/* What the owner's calls begin with. */
static enum status own(struct sim_cache *cache, struct error *out_error)
{
    if (!enter(cache, SIM_POINT_STORE_APPEND)) return unavailable(out_error);
    bool owned = cache->pantry->generation == cache->generation &&
                 cache->pantry->epoch == cache->epoch && cache->generation != 0;
    if (owned) return STATUS_OK;
    return error_set(out_error, STATUS_CONFLICT, "the cache was emptied, or taken over");
}

static enum status done(struct sim_cache *cache, struct error *out_error)
{
    return leave(cache, STATUS_OK) == STATUS_OK ? STATUS_OK : unavailable(out_error);
}

static enum status sim_raise_floor(struct cache *port, uint64_t batch, struct error *out_error)
{
    struct sim_cache *cache = (struct sim_cache *)port;
    enum status status = own(cache, out_error);
    if (status != STATUS_OK) return status;
    cache->pantry->floor = batch;
    return done(cache, out_error);
}

static enum status sim_update(struct cache *port, const struct cache_entry *entries, uint32_t count,
                              struct error *out_error)
{
    struct sim_cache *cache = (struct sim_cache *)port;
    CHECK(count <= CACHE_ENTRIES_MAX);
    enum status status = own(cache, out_error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        struct cache_entry *there =
            find(cache->pantry, entries[i].kind, cache_entry_id(&entries[i]));
        if (there != NULL && there->version < entries[i].version) *there = entries[i];
    }
    return done(cache, out_error);
}

static enum status sim_advance(struct cache *port, struct cache_frontier frontier,
                               struct error *out_error)
{
    struct sim_cache *cache = (struct sim_cache *)port;
    enum status status = own(cache, out_error);
    if (status != STATUS_OK) return status;
    cache->pantry->frontier = frontier;
    return done(cache, out_error);
}

static enum status sim_forget(struct cache *port, struct cache_frontier frontier,
                              struct error *out_error)
{
    struct sim_cache *cache = (struct sim_cache *)port;
    enum status status = own(cache, out_error);
    if (status != STATUS_OK) return status;
    begin_anew(cache->pantry, frontier);
    cache->generation = cache->pantry->generation;
    return done(cache, out_error);
}

static void sim_close(struct cache *port)
{
    if (port == NULL) return;
    struct sim_cache *cache = (struct sim_cache *)port;
    cache->pantry->open_count--;
    free(cache);
}

struct cache *sim_cache_open(struct sim_pantry *pantry, struct process *process)
{
    struct sim_cache *cache = calloc(1, sizeof *cache);
    CHECK(cache != NULL);
    *cache = (struct sim_cache){ .port = { .get = sim_get,
                                           .fill = sim_fill,
                                           .begin = sim_begin,
                                           .raise_floor = sim_raise_floor,
                                           .update = sim_update,
                                           .advance = sim_advance,
                                           .forget = sim_forget,
                                           .close = sim_close },
                                 .pantry = pantry,
                                 .process = process };
    pantry->open_count++;
    return &cache->port;
}
