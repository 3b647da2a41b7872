/* Opening, asking and closing; what happens in between is committer.c. */
#include "wallet/lane.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "wallet/committer.h"
#include "wallet/follower.h"
#include "wallet/indexes.h"
#include "wallet/lane_task.h"
#include "wallet/rebuild.h"
#include "wallet/recovery.h"

const struct lane_options LANE_OPTIONS_DEFAULT = {
    .accounts_max = 4 << 20,
    .holds_max = 4 << 20,
    .reversals_max = 1 << 20,
    .payments_max = PAYMENTS_OPEN_MAX,
    .memtable_ids = 1 << 20,
    .index_wait_ms = -1,
};

/* Accounts are few beside transfers: their tables are smaller, and so is what is reserved. */
static uint32_t table_ids(const struct lane_options *options, enum lane_index index)
{
    bool few = index == LANE_INDEX_ACCOUNTS || index == LANE_INDEX_ACCOUNT_REFERENCES;
    return few ? options->memtable_ids / 4 : options->memtable_ids;
}

static enum status indexes_new(struct lane *lane, uint64_t seed)
{
    for (uint32_t i = 0; i < LANE_INDEX_COUNT; i++) {
        struct index_options options = {
            .number = i + 1,
            .memtable_ids = table_ids(&lane->options, (enum lane_index)i),
            .batch_ids = 2 * BATCH_UNITS_MAX,
            .seed = seed,
        };
        enum status status = index_new(lane->ports.run_store, &options, &lane->indexes[i]);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status memory_reserve(struct lane *lane)
{
    uint64_t seed;
    entropy_fill(lane->ports.entropy, &seed, sizeof seed);
    struct ledger_options options = {
        .accounts_max = lane->options.accounts_max,
        .holds_max = lane->options.holds_max,
        .reversals_max = lane->options.reversals_max,
        .payments_max = lane->options.payments_max,
        .seed = seed,
    };
    enum status status = ledger_new(&options, &lane->ledger);
    if (status == STATUS_OK) status = registry_init(&lane->published);
    if (status == STATUS_OK) status = indexes_new(lane, seed);
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        status = batch_new(&lane->flights[i].batch);
        buf_init(&lane->flights[i].slice_bytes, STORE_SLICES_PER_BATCH_MAX * SLICE_SIZE_MAX);
    }
    lane->group = reserve_new(sizeof *lane->group);
    if (status == STATUS_OK && lane->group == NULL) status = STATUS_LIMIT;
    return status;
}

static void monitors_new(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    lane->monitor = sync->monitor_new(sync, "lane");
    lane->followed = sync->monitor_new(sync, "lane.followed");
    lane->flush_bell.monitor = sync->monitor_new(sync, "lane.flush");
    lane->index_bell.monitor = sync->monitor_new(sync, "lane.index");
    lane->waiters.sync = sync;
    for (int i = 0; i < ANSWERS_WAITERS; i++) {
        lane->waiters.monitors[i] = sync->monitor_new(sync, "waiter");
    }
}

static void lane_release(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    rebuild_reset(lane);
    ledger_free(lane->ledger);
    registry_free(&lane->published);
    for (int i = 0; i < LANE_INDEX_COUNT; i++) index_free(lane->indexes[i]);
    for (int i = 0; i < 2; i++) {
        batch_free(&lane->flights[i].batch);
        buf_free(&lane->flights[i].slice_bytes);
    }
    reserve_free(lane->group, sizeof *lane->group);
    sync->monitor_free(lane->monitor);
    sync->monitor_free(lane->followed);
    sync->monitor_free(lane->flush_bell.monitor);
    sync->monitor_free(lane->index_bell.monitor);
    for (int i = 0; i < ANSWERS_WAITERS; i++) sync->monitor_free(lane->waiters.monitors[i]);
    reserve_free(lane, sizeof *lane);
}

/* A start long after the last stamp may be a wrong clock: a person has to say that it is not. */
static void clocks_begin(struct lane *lane)
{
    clock_watch_begin(&lane->clock_watch, lane->ports.clock);
    int64_t gap_ns = lane->clock_watch.wall.ns - lane->head.stamp.ns;
    bool far = lane->head.sequence > 0 && gap_ns > CLOCK_GAP_START_S_MAX * NS_PER_S;
    lane->expiry_paused = far && lane->ledger->holds.heap_count > 0;
    lane->status.expiry_paused = lane->expiry_paused;
    if (!lane->expiry_paused) return;
    log_write(lane->ports.log, (struct log_line){
                                   .level = LOG_ALARM,
                                   .event = STR("clock.gap"),
                                   .message = STR("more than a week since the last batch; holds "
                                                  "do not expire until the clock is confirmed"),
                               });
}

static enum status helpers_start(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    enum status status = sync->spawn(sync, "flush", committer_flush, lane, &lane->flush_task);
    if (status != STATUS_OK) return status;
    return sync->spawn(sync, "index", committer_index, lane, &lane->index_task);
}

static enum status apply_start(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    return sync->spawn(sync, "apply", committer_apply, lane, &lane->apply_task);
}

static void tasks_join(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    sync->join(lane->apply_task);
    doorbell_ring(sync, &lane->flush_bell, true);
    doorbell_ring(sync, &lane->index_bell, true);
    sync->join(lane->flush_task);
    sync->join(lane->index_task);
    lane->apply_task = NULL;
    lane->flush_task = NULL;
    lane->index_task = NULL;
}

static bool passive(const struct lane *lane)
{
    return lane->options.read_only || lane->options.follow;
}

/*
 * Claims first: the epoch is raised before the journal is read, so that nobody else appends
 * meanwhile, and what is read is the end.
 */
static enum status lane_recover(struct lane *lane, struct error *out_error)
{
    struct store_head claimed = { 0 };
    if (!passive(lane)) {
        enum status status = lane->ports.store->claim(lane->ports.store, &claimed, out_error);
        if (status != STATUS_OK) return status;
        lane->head = claimed;
    }
    enum status status = recovery_run(lane, out_error);
    if (passive(lane)) return status;
    if (status == STATUS_CORRUPT) status = recovery_fenced(lane, claimed.epoch, out_error);
    if (status != STATUS_OK || lane->head.epoch == claimed.epoch) return status;
    return error_set(out_error, STATUS_FENCED, "another owner has taken the lane over");
}

static enum status lane_begin(struct lane *lane, struct error *out_error)
{
    enum status status = memory_reserve(lane);
    if (status != STATUS_OK) {
        return error_set(out_error, status, "the address space for the lane is refused");
    }
    struct monotonic_time begin = clock_monotonic(lane->ports.clock);
    status = lane_recover(lane, out_error);
    if (status != STATUS_OK) return status;
    lane->status.head = lane->head;
    lane->status.recovery_ns = (uint64_t)(clock_monotonic(lane->ports.clock).ns - begin.ns);
    lane->building = &lane->flights[0];
    lane->status.following = lane->options.follow;
    if (!lane->options.follow) clocks_begin(lane);
    status = helpers_start(lane);
    if (status == STATUS_OK && !lane->options.follow) status = apply_start(lane);
    if (status == STATUS_OK) return STATUS_OK;
    lane->draining = true;
    tasks_join(lane);
    return error_set(out_error, status, "the lane's tasks cannot be started");
}

enum status lane_open(const struct lane_ports *ports, const struct lane_options *options,
                      struct lane **out_lane, struct error *out_error)
{
    CHECK(options->memtable_ids >= 1 << 10 && options->memtable_ids <= 1 << 24);
    CHECK(!options->read_only || !options->follow);
    struct lane *lane = reserve_new(sizeof *lane);
    if (lane == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the lane");
    lane->ports = *ports;
    lane->options = *options;
    monitors_new(lane);
    enum status status = lane_begin(lane, out_error);
    if (status != STATUS_OK) {
        lane_release(lane);
        return status;
    }
    *out_lane = lane;
    return STATUS_OK;
}

enum status lane_follow(struct lane *lane, uint64_t *out_left, struct error *out_error)
{
    CHECK(lane->status.following);
    return follower_read(lane, out_left, out_error);
}

/* Under the monitor. */
static enum status followed_look(const struct lane *lane, struct followed *out_followed)
{
    if (!lane->whole) return STATUS_UNAVAILABLE;
    *out_followed = (struct followed){ .batch = lane->head.sequence, .whole_at = lane->whole_at };
    return STATUS_OK;
}

enum status lane_followed(struct lane *lane, struct followed *out_followed)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->followed);
    enum status status = followed_look(lane, out_followed);
    sync->unlock(lane->followed);
    return status;
}

enum status lane_followed_account(struct lane *lane, struct account_id id,
                                  struct account_state *out_account, struct followed *out_followed)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->followed);
    enum status status = followed_look(lane, out_followed);
    if (status == STATUS_OK) {
        uint32_t number = ledger_account_find(lane->ledger, id);
        if (number == ACCOUNT_NONE) status = STATUS_NOT_FOUND;
        if (number != ACCOUNT_NONE) *out_account = *ledger_account(lane->ledger, number);
    }
    sync->unlock(lane->followed);
    return status;
}

enum status lane_lead(struct lane *lane, struct error *out_error)
{
    CHECK(lane->status.following);
    struct monotonic_time begin = clock_monotonic(lane->ports.clock);
    enum status status = follower_take_over(lane, out_error);
    if (status != STATUS_OK) return status;
    clocks_begin(lane);
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    lane->status.following = false;
    lane->status.recovery_ns = (uint64_t)(clock_monotonic(lane->ports.clock).ns - begin.ns);
    sync->unlock(lane->monitor);
    status = apply_start(lane);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the lane's tasks cannot be started");
}

/* The apply task refuses what was accepted. */
static void stop_answering(struct lane *lane, bool *why)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    *why = true;
    sync->wake_all(lane->monitor);
    sync->unlock(lane->monitor);
}

void lane_condemn(struct lane *lane)
{
    stop_answering(lane, &lane->condemned);
}

void lane_disown(struct lane *lane)
{
    stop_answering(lane, &lane->disowned);
}

void lane_drain(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    lane->draining = true;
    sync->wake_all(lane->monitor);
    sync->unlock(lane->monitor);
    if (lane->apply_task == NULL && lane->index_task != NULL) indexes_job_wait(lane);
    if (lane->flush_task != NULL) tasks_join(lane);
}

void lane_close(struct lane *lane)
{
    if (lane == NULL) return;
    lane_drain(lane);
    lane_release(lane);
}

static void groups_check(const struct request *request)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < request->count; i++) {
        bool linked = (request->transfers[i].flags & TRANSFER_FLAG_LINKED) != 0;
        CHECK(length < LINKED_MAX);
        length = linked ? length + 1 : 0;
    }
    CHECK(length == 0); /* the last group ends here */
}

static void request_check(const struct request *request)
{
    CHECK(request->kind == REQUEST_READ || !uuid_is_nil(request->root) || request->count == 0 ||
          uuid_is_nil(request->key));
    if (request->kind == REQUEST_ACCOUNTS) {
        CHECK(request->count > 0 && request->count <= REQUEST_ACCOUNTS_MAX);
    }
    if (request->kind != REQUEST_TRANSFERS) return;
    CHECK(request->count > 0 && request->count <= REQUEST_TRANSFERS_MAX);
    groups_check(request);
}

/* Under the monitor. */
static enum status submit_refusal(const struct lane *lane, const struct request *request)
{
    if (lane->draining || lane_is_fenced(lane) || lane_is_damaged(lane)) return STATUS_STOPPED;
    if (lane->status.following) return STATUS_UNAVAILABLE;
    bool read = request->kind == REQUEST_READ;
    if (!read && lane->options.read_only) return STATUS_DENIED;
    if (!read && lane->status.reloading) return STATUS_UNAVAILABLE;
    return lane_request_refused(lane, request);
}

enum status lane_submit(struct lane *lane, struct request *request)
{
    request_check(request);
    request->answered = false;
    request->status = STATUS_OK;
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    enum status status = submit_refusal(lane, request);
    if (status == STATUS_OK) status = queue_add(&lane->queue, request);
    bool wake = false;
    if (status == STATUS_OK) {
        request->waiter = (uint32_t)(lane->launches % ANSWERS_WAITERS);
        lane->submitted++;
        wake = lane->queue.items >= lane->wake_items;
    }
    sync->unlock(lane->monitor);
    if (wake) sync->wake_all(lane->monitor);
    return status;
}

void lane_wait(struct lane *lane, struct request *request)
{
    answers_wait(&lane->waiters, request);
}

enum status lane_run(struct lane *lane, struct request *request)
{
    request->done = NULL;
    enum status status = lane_submit(lane, request);
    if (status != STATUS_OK) return status;
    lane_wait(lane, request);
    return request->status;
}

struct lane_part lane_part(const struct lane *lane)
{
    uint32_t lanes = lane->options.lanes;
    return lanes <= 1 ? LANE_ALONE : (struct lane_part){ lane->options.number, lanes };
}

struct uuid lane_new_id(struct lane *lane)
{
    uint64_t random[2];
    entropy_fill(lane->ports.entropy, random, sizeof random);
    uint64_t unix_ms = (uint64_t)(clock_wall(lane->ports.clock).ns / NS_PER_MS);
    return uuid_v7(unix_ms, random);
}

enum status lane_asset_by_code(struct lane *lane, struct str code, struct asset *out_asset)
{
    const struct asset *iso = asset_iso_by_code(code);
    if (iso != NULL) {
        *out_asset = *iso;
        return STATUS_OK;
    }
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    const struct asset *found = registry_asset_by_code(&lane->published, code);
    if (found != NULL) *out_asset = *found;
    sync->unlock(lane->monitor);
    return found == NULL ? STATUS_NOT_FOUND : STATUS_OK;
}

enum status lane_asset_by_id(struct lane *lane, uint32_t id, struct asset *out_asset)
{
    const struct asset *iso = id < ASSET_CUSTOM_FIRST ? asset_iso_by_id(id) : NULL;
    if (iso != NULL) {
        *out_asset = *iso;
        return STATUS_OK;
    }
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    const struct asset *found = registry_asset_by_id(&lane->published, id);
    if (found != NULL) *out_asset = *found;
    sync->unlock(lane->monitor);
    return found == NULL ? STATUS_NOT_FOUND : STATUS_OK;
}

static uint32_t page_count(uint32_t from, uint32_t count, uint32_t limit)
{
    uint32_t left = from < count ? count - from : 0;
    return left < limit ? left : limit;
}

uint32_t lane_asset_page(struct lane *lane, uint32_t from, struct asset *out_assets, uint32_t limit)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    uint32_t count = page_count(from, lane->published.asset_count, limit);
    for (uint32_t i = 0; i < count; i++) out_assets[i] = lane->published.assets[from + i];
    sync->unlock(lane->monitor);
    return count;
}

enum status lane_credential_by_digest(struct lane *lane, const struct digest *secret_digest,
                                      struct credential *out_credential)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    const struct credential *found = registry_credential_by_digest(&lane->published, secret_digest);
    if (found != NULL) *out_credential = *found;
    sync->unlock(lane->monitor);
    return found == NULL ? STATUS_NOT_FOUND : STATUS_OK;
}

static uint32_t credentials_copy(struct lane *lane, uint32_t from, struct credential *out,
                                 uint32_t limit)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    uint32_t count = page_count(from, lane->published.credential_count, limit);
    for (uint32_t i = 0; i < count; i++) out[i] = lane->published.credentials[from + i];
    sync->unlock(lane->monitor);
    return count;
}

uint32_t lane_credential_page(struct lane *lane, uint32_t from, struct credential *out,
                              uint32_t limit)
{
    uint32_t count = credentials_copy(lane, from, out, limit);
    for (uint32_t i = 0; i < count; i++) out[i].secret_digest = (struct digest){ 0 };
    return count;
}

uint32_t lane_credentials(struct lane *lane, struct credential *out, uint32_t limit)
{
    return credentials_copy(lane, 0, out, limit);
}

uint32_t lane_rate_page(struct lane *lane, uint32_t from, struct rate *out_rates, uint32_t limit)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    uint32_t count = page_count(from, lane->published.rate_count, limit);
    for (uint32_t i = 0; i < count; i++) out_rates[i] = lane->published.rates[from + i];
    sync->unlock(lane->monitor);
    return count;
}

uint32_t lane_raises(struct lane *lane, struct raise out_raises[RAISES_MAX])
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    uint32_t count = lane->published.raise_count;
    memcpy(out_raises, lane->published.raises, count * sizeof *out_raises);
    sync->unlock(lane->monitor);
    return count;
}

struct business_date lane_closed_through(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    struct business_date date = lane->published.closed_through;
    sync->unlock(lane->monitor);
    return date;
}

uint64_t lane_commons(struct lane *lane, uint64_t known, struct lane_commons *out_commons)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    const struct registry *from = &lane->published;
    bool over = lane->draining || lane_is_fenced(lane) || lane_is_damaged(lane);
    uint64_t version = over ? 0 : lane->published_count;
    if (version != 0 && version != known) {
        memcpy(out_commons->assets, from->assets, from->asset_count * sizeof *from->assets);
        memcpy(out_commons->rates, from->rates, from->rate_count * sizeof *from->rates);
        out_commons->asset_count = from->asset_count;
        out_commons->rate_count = from->rate_count;
        out_commons->closed_through = from->closed_through;
    }
    sync->unlock(lane->monitor);
    return version;
}

void lane_get_status(struct lane *lane, struct lane_status *out_status)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    *out_status = lane->status;
    out_status->damaged = lane_is_damaged(lane);
    out_status->fenced = lane_is_fenced(lane);
    out_status->accepting = !lane->draining && !lane->status.following && !lane->status.reloading &&
                            !lane->status.rebuilding && !out_status->fenced && !out_status->damaged;
    out_status->queue_requests = lane->queue.requests;
    out_status->queue_transfers = lane->queue.items;
    sync->unlock(lane->monitor);
}

void lane_resume_expiry(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    lane->resume_expiry = true;
    sync->wake_all(lane->monitor);
    sync->unlock(lane->monitor);
}

void lane_catch_up(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    if (lane->options.read_only) return; /* its runs are another's to write */
    sync->lock(lane->monitor);
    uint64_t mine = ++lane->catch_ups_wanted;
    sync->wake_all(lane->monitor);
    while (lane->catch_ups_done < mine && !lane->draining && !lane_is_damaged(lane) &&
           !lane_is_fenced(lane) && !lane->status.following) {
        (void)sync->wait(lane->monitor, MONOTONIC_NEVER);
    }
    sync->unlock(lane->monitor);
}
