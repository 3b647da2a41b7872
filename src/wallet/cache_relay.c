/*
 * The floor is raised before changes are looked at: whoever read an older state and brings it later
 * is refused, so that no value misses a change that was dealt with while it was on its way.
 */
#include "wallet/cache_relay.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/reserve.h"
#include "model/record.h"
#include "wallet/batch.h"

const struct cache_relay_options CACHE_RELAY_OPTIONS_DEFAULT = {
    .poll_ms = 20,
    .retry_ms = 500,
    .batches_max = 1000,
    .task = true,
};
_Static_assert((int)CACHE_ENTRIES_MAX <= (int)READ_IDS_MAX, "what is updated at once is one read");

struct cache_relay {
    struct cache_relay_ports ports;
    struct cache_relay_options options;
    struct task *task;
    bool begun;
    bool looked;    /* once at least */
    uint64_t batch; /* the frontier */
    struct buf blob;
    uint32_t id_count;
    struct uuid ids[CACHE_ENTRIES_MAX]; /* accounts to be looked at */
    struct account_state states[CACHE_ENTRIES_MAX];
    uint32_t entry_count;
    struct cache_entry entries[CACHE_ENTRIES_MAX];

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    struct cache_relay_status status;
};

/* ---- Values to be replaced ---- */

static enum status entries_flush(struct cache_relay *relay, struct error *out_error)
{
    struct cache *cache = relay->ports.cache;
    if (relay->entry_count == 0) return STATUS_OK;
    enum status status = cache->update(cache, relay->entries, relay->entry_count, out_error);
    relay->ports.sync->lock(relay->monitor);
    if (status == STATUS_OK) relay->status.updates += relay->entry_count;
    relay->ports.sync->unlock(relay->monitor);
    relay->entry_count = 0;
    return status;
}

static int id_order(const void *a, const void *b)
{
    const struct uuid *left = a;
    const struct uuid *right = b;
    return uuid_compare(*left, *right);
}

/* A hot account is in a batch many times, and read once. */
static uint32_t ids_distinct(struct cache_relay *relay)
{
    if (relay->id_count == 0) return 0;
    qsort(relay->ids, relay->id_count, sizeof relay->ids[0], id_order);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < relay->id_count; i++) {
        if (!uuid_equal(relay->ids[i], relay->ids[kept - 1])) relay->ids[kept++] = relay->ids[i];
    }
    relay->id_count = kept;
    return kept;
}

static enum status ids_flush(struct cache_relay *relay, struct error *out_error)
{
    const struct cache_source *source = &relay->ports.source;
    uint32_t count = ids_distinct(relay);
    if (count == 0) return STATUS_OK;
    uint64_t as_of = 0;
    enum status status = source->accounts(source->owner, relay->ids, count, relay->states, &as_of);
    if (status != STATUS_OK) return error_set(out_error, status, "the lane does not answer");
    status = entries_flush(relay, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        if (uuid_is_nil(relay->states[i].account.id.value)) continue;
        relay->entries[relay->entry_count++] = (struct cache_entry){
            .kind = CACHE_ACCOUNT, .version = as_of, .value.account = relay->states[i]
        };
    }
    if (status == STATUS_OK) status = entries_flush(relay, out_error);
    relay->id_count = 0;
    return status;
}

static enum status account_add(struct cache_relay *relay, struct account_id id,
                               struct error *out_error)
{
    if (uuid_is_nil(id.value)) return STATUS_OK;
    relay->ids[relay->id_count++] = id.value;
    if (relay->id_count < CACHE_ENTRIES_MAX || ids_distinct(relay) < CACHE_ENTRIES_MAX / 2)
        return STATUS_OK;
    return ids_flush(relay, out_error);
}

static enum status payment_add(struct cache_relay *relay, const struct payment *payment,
                               uint64_t batch, struct error *out_error)
{
    relay->entries[relay->entry_count++] =
        (struct cache_entry){ .kind = CACHE_PAYMENT, .version = batch, .value.payment = *payment };
    return relay->entry_count < CACHE_ENTRIES_MAX ? STATUS_OK : entries_flush(relay, out_error);
}

/* ---- Batches ---- */

static enum status record_take(struct cache_relay *relay, const struct record_head *record,
                               uint64_t batch, struct error *out_error)
{
    if (record->type == RECORD_TRANSFER) {
        const struct record_transfer *transfer = (const struct record_transfer *)record;
        enum status status = account_add(relay, transfer->debit, out_error);
        return status == STATUS_OK ? account_add(relay, transfer->credit, out_error) : status;
    }
    if (record->type == RECORD_ACCOUNT)
        return account_add(relay, ((const struct record_account *)record)->account.id, out_error);
    if (record->type == RECORD_ACCOUNT_CHANGE)
        return account_add(relay, ((const struct record_account_change *)record)->account,
                           out_error);
    if (record->type == RECORD_PAYMENT)
        return payment_add(relay, &((const struct record_payment *)record)->payment, batch,
                           out_error);
    return STATUS_OK;
}

static enum status batch_take(struct cache_relay *relay, uint64_t batch, struct error *out_error)
{
    struct batch_reader reader;
    buf_reset(&relay->blob);
    enum status status =
        relay->ports.store->read(relay->ports.store, batch, &relay->blob, out_error);
    if (status == STATUS_OK) status = batch_open(buf_view(&relay->blob), &reader, out_error);
    while (status == STATUS_OK) {
        const struct record_head *record;
        status = batch_next(&reader, &record, out_error);
        if (status == STATUS_OK) status = record_take(relay, record, batch, out_error);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status batches_take(struct cache_relay *relay, uint64_t head, struct error *out_error)
{
    struct cache *cache = relay->ports.cache;
    relay->id_count = 0;
    relay->entry_count = 0;
    enum status status = cache->raise_floor(cache, head, out_error);
    for (uint64_t batch = relay->batch + 1; status == STATUS_OK && batch <= head; batch++)
        status = batch_take(relay, batch, out_error);
    if (status == STATUS_OK) status = ids_flush(relay, out_error);
    if (status == STATUS_OK) status = entries_flush(relay, out_error);
    return status;
}

/* ---- A round ---- */

static void forgotten_count(struct cache_relay *relay)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.forgotten++;
    relay->ports.sync->unlock(relay->monitor);
}

static enum status begin(struct cache_relay *relay, uint64_t head, struct error *out_error)
{
    struct cache *cache = relay->ports.cache;
    struct cache_frontier frontier;
    enum status status = cache->begin(cache, relay->options.epoch, head, &frontier, out_error);
    if (status != STATUS_OK) return status;
    CHECK(frontier.batch <= head);
    relay->batch = frontier.batch;
    relay->begun = true;
    return STATUS_OK;
}

static enum status follow(struct cache_relay *relay, uint64_t head, struct wall_time at,
                          struct error *out_error)
{
    struct cache *cache = relay->ports.cache;
    const struct cache_frontier frontier = { head, at };
    enum status status = STATUS_OK;
    if (head - relay->batch > relay->options.batches_max) {
        status = cache->forget(cache, frontier, out_error);
        forgotten_count(relay);
    } else {
        if (head > relay->batch) status = batches_take(relay, head, out_error);
        if (status == STATUS_OK) status = cache->advance(cache, frontier, out_error);
    }
    if (status == STATUS_OK) relay->batch = head;
    return status;
}

static enum status round_make(struct cache_relay *relay, struct error *out_error)
{
    /* The time first: what was acknowledged before it is at or below the head. */
    struct wall_time at = clock_wall(relay->ports.clock);
    uint64_t head = relay->ports.source.head(relay->ports.source.owner);
    enum status status = STATUS_OK;
    if (head < relay->batch) relay->begun = false; /* of another history */
    if (!relay->begun) status = begin(relay, head, out_error);
    return status == STATUS_OK ? follow(relay, head, at, out_error) : status;
}

static void said(struct cache_relay *relay, const struct error *error, bool bad)
{
    log_write(relay->ports.log,
              (struct log_line){ .level = bad ? LOG_WARNING : LOG_INFO,
                                 .event = bad ? STR("cache.unavailable") : STR("cache.followed"),
                                 .message = bad ? str_from(error->message)
                                                : STR("the cache is followed") });
}

void cache_relay_step(struct cache_relay *relay)
{
    struct error error = { 0 };
    enum status status = round_make(relay, &error);
    if (status != STATUS_OK) relay->begun = false; /* where it stands is asked again */
    relay->ports.sync->lock(relay->monitor);
    bool changed = !relay->looked || relay->status.begun != (status == STATUS_OK);
    relay->looked = true;
    relay->status.begun = status == STATUS_OK;
    relay->status.fenced = status == STATUS_FENCED;
    relay->status.batch = relay->batch;
    if (status != STATUS_OK) relay->status.failures++;
    relay->ports.sync->unlock(relay->monitor);
    if (changed) said(relay, &error, status != STATUS_OK);
}

/* ---- Life ---- */

static void relay_body(void *argument)
{
    struct cache_relay *relay = argument;
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    while (!relay->stopping) {
        sync->unlock(relay->monitor);
        cache_relay_step(relay);
        sync->lock(relay->monitor);
        uint32_t ms = relay->status.begun ? relay->options.poll_ms : relay->options.retry_ms;
        struct monotonic_time until = clock_monotonic(relay->ports.clock);
        until.ns += (int64_t)ms * NS_PER_MS;
        if (!relay->stopping) (void)sync->wait(relay->monitor, until); /* a stop, or the time */
    }
    sync->unlock(relay->monitor);
}

enum status cache_relay_open(const struct cache_relay_ports *ports,
                             const struct cache_relay_options *options,
                             struct cache_relay **out_relay, struct error *out_error)
{
    struct cache_relay *relay = reserve_new(sizeof *relay);
    if (relay == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the cache's relay");
    relay->ports = *ports;
    relay->options = *options;
    relay->monitor = ports->sync->monitor_new(ports->sync, "cache_relay");
    buf_init(&relay->blob, BATCH_SIZE_MAX);
    if (options->task && ports->sync->spawn(ports->sync, "cache_relay", relay_body, relay,
                                            &relay->task) != STATUS_OK) {
        cache_relay_close(relay);
        return error_set(out_error, STATUS_UNAVAILABLE, "the cache's relay cannot be started");
    }
    *out_relay = relay;
    return STATUS_OK;
}

void cache_relay_close(struct cache_relay *relay)
{
    if (relay == NULL) return;
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    relay->stopping = true;
    sync->wake_all(relay->monitor);
    sync->unlock(relay->monitor);
    sync->join(relay->task);
    sync->monitor_free(relay->monitor);
    buf_free(&relay->blob);
    reserve_free(relay, sizeof *relay);
}

void cache_relay_get_status(struct cache_relay *relay, struct cache_relay_status *out_status)
{
    relay->ports.sync->lock(relay->monitor);
    *out_status = relay->status;
    relay->ports.sync->unlock(relay->monitor);
}
