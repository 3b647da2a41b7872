/* Slices first, then every batch above the oldest of them, each record where it is newer. */
#include "wallet/recovery.h"
#include "wallet/tally.h"

#include <string.h>

#include "base/check.h"
#include "ledger/replay.h"
#include "ledger/verify.h"
#include "wallet/indexes.h"
#include "wallet/lane_task.h"
#include "wallet/rebuild.h"

enum { PROGRESS_BATCHES = 1024, SLICE_LIST_SIZE_MAX = 64 << 20 };

struct recovery {
    struct lane *lane;
    uint64_t ledger_from; /* batches above it are replayed; some slice is no newer */
    uint64_t registry_at;
    uint64_t sweep_generation; /* the newest whole one */
    bool holds_counted;
    bool with_indexes; /* one reading of the journal does for ledger and indexes */
    bool changes_registry;
    uint64_t records;
};

/* Not only how far the index is, but in which history: a database may have been taken back. */
static enum status index_load_checked(struct lane *lane, struct index *index,
                                      struct error *out_error)
{
    enum status status = index_load(index, out_error);
    if (status != STATUS_OK) return status;
    const char *why;
    struct store_point point = index_point(index);
    status = journal_has(lane->ports.store, &lane->head, point, &why, out_error);
    if (status != STATUS_OK || why == NULL) return status;
    (void)error_set(out_error, STATUS_CORRUPT, "the index is of another journal");
    error_detail(out_error,
                 "it was made up to batch %llu, and %s; the journal's head is batch %llu",
                 (unsigned long long)point.batch, why, (unsigned long long)lane->head.sequence);
    return STATUS_CORRUPT;
}

static enum status indexes_load(struct lane *lane, struct error *out_error)
{
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        enum status status = index_load_checked(lane, lane->indexes[i], out_error);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* An index that cannot be used, or was found damaged before, is no loss: it is made again. */
static enum status indexes_load_or_clear(struct lane *lane, struct error *out_error)
{
    struct error why = { 0 };
    enum status status = STATUS_CORRUPT;
    if (lane->rebuild.state == REBUILD_LOST) {
        (void)error_set(&why, STATUS_CORRUPT, "the index was found damaged");
    } else {
        status = indexes_load(lane, &why);
    }
    if (status == STATUS_CORRUPT) {
        lane_log_error(lane, STR("index.discarded"), &why); /* it is made anew */
        status = lane->ports.run_store->clear(lane->ports.run_store, out_error);
        if (status == STATUS_OK) status = indexes_load(lane, out_error);
    } else if (status != STATUS_OK && out_error != NULL) {
        *out_error = why;
    }
    if (status == STATUS_OK) rebuild_reset(lane);
    return status;
}

/* Newest generation of each table first, then by number: the order slice_load() wants. */
static int slice_order(const struct store_slice *a, const struct store_slice *b)
{
    if (a->table != b->table) return a->table < b->table ? -1 : 1;
    if (a->generation != b->generation) return a->generation > b->generation ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* Lists are a few thousand long and nearly in order. */
static void slices_sort(struct store_slice *slices, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct store_slice slice = slices[i];
        size_t at = i;
        while (at > 0 && slice_order(&slice, &slices[at - 1]) < 0) {
            slices[at] = slices[at - 1];
            at--;
        }
        slices[at] = slice;
    }
}

static enum status slices_load(struct recovery *recovery, struct store_slice *slices, size_t count,
                               struct error *out_error)
{
    struct lane *lane = recovery->lane;
    struct store *store = lane->ports.store;
    uint64_t covered = 0; /* of the table at hand */
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, SLICE_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct store_slice *stored = &slices[i];
        if (i > 0 && stored->table != slices[i - 1].table) covered = 0;
        bool first = i == 0 || stored->table != slices[i - 1].table;
        if (!first && stored->to <= covered) continue; /* a newer one has brought it all */
        buf_reset(&bytes);
        enum status status = store->slice_read(store, stored, &bytes, out_error);
        if (status != STATUS_OK) return status;
        struct slice slice = { stored->table, stored->generation, stored->from, stored->to };
        status = slice_load(lane->ledger, &slice, stored->at_batch, buf_view(&bytes));
        if (status != STATUS_OK) {
            return error_set(out_error, status, "checkpoint slice of table %u from %llu: %s",
                             stored->table, (unsigned long long)stored->from, status_text(status));
        }
        if (stored->to > covered) covered = stored->to;
        if (stored->at_batch < recovery->ledger_from) recovery->ledger_from = stored->at_batch;
        if (stored->table == SLICE_REGISTRY) recovery->registry_at = stored->at_batch;
    }
    return STATUS_OK;
}

/* Whether replay may begin behind batch `after`. */
static enum status may_follow(struct recovery *recovery, uint64_t after, bool *out_may,
                              struct error *out_error)
{
    struct store *store = recovery->lane->ports.store;
    struct batch_header header;
    *out_may = true; /* the first batch needs nothing before it */
    if (after == 0) return STATUS_OK;
    enum status status = store->read_part(store, after + 1, 0, sizeof header, &header, out_error);
    if (status != STATUS_OK) return status;
    if (!batch_header_whole(&header)) {
        return error_set(out_error, STATUS_CORRUPT, "the header of batch %llu is damaged",
                         (unsigned long long)after + 1);
    }
    *out_may = slice_covers(recovery->lane->ledger, &header);
    return STATUS_OK;
}

/*
 * A sweep that is under way has renewed the first slices, and not yet brought what was made
 * since the sweep before ended: replay goes back to the last batch before which everything is
 * in slices. It is near, and older batches may be archived: so steps grow from the end.
 */
static enum status replay_start(struct recovery *recovery, uint64_t head, struct error *out_error)
{
    uint64_t high = recovery->ledger_from < head ? recovery->ledger_from : head - 1;
    uint64_t low = high;
    for (uint64_t step = 1;; step *= 2) {
        bool may;
        enum status status = may_follow(recovery, low, &may, out_error);
        if (status != STATUS_OK) return status;
        if (may) break;
        high = low - 1;
        low = low > step ? low - step : 0;
    }
    while (low < high) {
        uint64_t middle = high - (high - low) / 2;
        bool may;
        enum status status = may_follow(recovery, middle, &may, out_error);
        if (status != STATUS_OK) return status;
        if (may) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    recovery->ledger_from = low;
    return STATUS_OK;
}

/* A sweep from the beginning, newer than all that is stored. */
static void sweep_begin(struct lane *lane, const struct store_slice *slices, size_t count)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].generation > newest) newest = slices[i].generation;
    }
    lane->sweep = (struct sweep){ .generation = newest + 1, .table = SLICE_ACCOUNTS };
    lane->sweep_credit = 0;
}

enum status recovery_sweep(struct lane *lane, struct error *out_error)
{
    struct store *store = lane->ports.store;
    BUF_SCOPE struct buf list;
    buf_init(&list, SLICE_LIST_SIZE_MAX);
    enum status status = store->slice_list(store, &list, out_error);
    if (status != STATUS_OK) return status;
    sweep_begin(lane, (const struct store_slice *)list.data, list.len / sizeof(struct store_slice));
    return STATUS_OK;
}

/* Without a whole sweep there is no checkpoint: everything is replayed. */
static enum status checkpoint_load(struct recovery *recovery, uint64_t head,
                                   struct error *out_error)
{
    struct lane *lane = recovery->lane;
    struct store *store = lane->ports.store;
    BUF_SCOPE struct buf list;
    buf_init(&list, SLICE_LIST_SIZE_MAX);
    enum status status = store->slice_list(store, &list, out_error);
    if (status != STATUS_OK) return status;
    struct store_slice *slices = (struct store_slice *)list.data;
    size_t count = list.len / sizeof *slices;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].at_batch > head) {
            return error_set(out_error, STATUS_CORRUPT,
                             "a checkpoint slice is ahead of the journal");
        }
        if (slices[i].table == SLICE_REGISTRY) recovery->sweep_generation = slices[i].generation;
    }
    sweep_begin(lane, slices, count);
    lane->ledger->hold_replay_from = 1;
    if (recovery->sweep_generation == 0) return STATUS_OK;
    slices_sort(slices, count);
    recovery->ledger_from = UINT64_MAX;
    status = slices_load(recovery, slices, count, out_error);
    if (status != STATUS_OK) return status;
    return replay_start(recovery, head, out_error);
}

static enum status record_replay(struct recovery *recovery, const struct batch_reader *reader,
                                 const struct record_head *record, unsigned which,
                                 struct error *out_error)
{
    struct lane *lane = recovery->lane;
    struct ledger_moment moment = {
        .stamp = reader->header->stamp,
        .batch = reader->header->sequence,
        .locator = batch_locator(reader, record),
    };
    indexes_enter(lane, which, moment.locator, record);
    if (moment.batch <= recovery->ledger_from) return STATUS_OK;
    recovery->records++;
    recovery->changes_registry = recovery->changes_registry || registry_keeps(record);
    enum status status = ledger_replay(lane->ledger, moment, record, recovery->registry_at);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "batch %llu, record at byte %u cannot be replayed: %s",
                     (unsigned long long)moment.batch, locator_offset(moment.locator),
                     status_text(status));
}

static enum status holds_count_check(struct recovery *recovery, const struct batch_header *header,
                                     struct error *out_error)
{
    struct ledger *ledger = recovery->lane->ledger;
    if (header->sequence <= recovery->ledger_from) return STATUS_OK;
    if (!recovery->holds_counted) ledger->holds_made = header->first_hold - 1;
    recovery->holds_counted = true;
    bool fits = header->first_hold == ledger->holds_made + 1 &&
                header->first_account <= ledger->account_count &&
                header->first_reversal <= ledger->reversal_count &&
                header->first_payment <= ledger->payments.used;
    if (fits) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "batch %llu does not continue the state before it",
                     (unsigned long long)header->sequence);
}

static enum status batch_replay(struct recovery *recovery, struct batch_reader *reader,
                                struct error *out_error)
{
    struct lane *lane = recovery->lane;
    enum status status = holds_count_check(recovery, reader->header, out_error);
    if (status != STATUS_OK) return status;
    unsigned which = recovery->with_indexes ? indexes_lacking(lane, reader->header->sequence) : 0;
    for (;;) {
        const struct record_head *record;
        status = batch_next(reader, &record, out_error);
        if (status == STATUS_NOT_FOUND) return STATUS_OK;
        if (status == STATUS_OK) {
            status = record_replay(recovery, reader, record, which, out_error);
        }
        if (status != STATUS_OK) return status;
    }
}

static enum status walk_replay(struct recovery *recovery, struct journal_walk *walk,
                               struct error *out_error)
{
    struct lane *lane = recovery->lane;
    while (walk->sequence < lane->head.sequence) {
        struct batch_reader reader;
        enum status status = journal_walk_read(walk, &reader, out_error);
        if (status == STATUS_OK) status = batch_replay(recovery, &reader, out_error);
        if (status != STATUS_OK) return status;
        journal_walk_next(walk);
        lane->next_sequence = walk->sequence + 1;
        if (recovery->with_indexes) indexes_reach(lane, journal_walk_point(walk));
        status = rebuild_make_room(lane, out_error);
        if (status != STATUS_OK) return status;
        if (walk->sequence % PROGRESS_BATCHES == 0) {
            lane_log_progress(lane, STR("recovery.progress"), STR("replaying the journal"),
                              walk->sequence);
        }
    }
    if (journal_walk_ends_at(walk, &lane->head.hash)) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the last batch is not the one at the head");
}

static uint64_t least_cursor(const struct lane *lane)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        uint64_t cursor = index_cursor(lane->indexes[i]);
        if (cursor < least) least = cursor;
    }
    return least;
}

/* What only an index lacks is left to the rebuild: balances can be read before it is done. */
static enum status journal_replay(struct recovery *recovery, struct error *out_error)
{
    struct lane *lane = recovery->lane;
    recovery->with_indexes = least_cursor(lane) >= recovery->ledger_from;
    lane->next_sequence = recovery->ledger_from + 1;
    struct journal_walk walk;
    journal_walk_open(&walk, lane->ports.store, lane->options.number, recovery->ledger_from);
    enum status status = walk_replay(recovery, &walk, out_error);
    journal_walk_close(&walk);
    return status;
}

static enum status state_check(struct lane *lane, struct error *out_error)
{
    const char *reason = "an account is of no known kind or asset";
    enum status status = ledger_recovered(lane->ledger);
    if (status == STATUS_OK) status = ledger_check(lane->ledger, &reason);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the recovered state is wrong: %s", reason);
}

/* Under the monitor. */
static void registry_publish(struct lane *lane)
{
    const struct registry *from = &lane->ledger->registry;
    struct registry *into = &lane->published;
    memcpy(into->assets, from->assets, from->asset_count * sizeof *from->assets);
    memcpy(into->credentials, from->credentials,
           from->credential_count * sizeof *from->credentials);
    into->asset_count = from->asset_count;
    into->credential_count = from->credential_count;
    into->closed_through = from->closed_through;
    memcpy(into->rates, from->rates, from->rate_count * sizeof *from->rates);
    into->rate_count = from->rate_count;
    memcpy(into->raises, from->raises, from->raise_count * sizeof *from->raises);
    into->raise_count = from->raise_count;
    lane->published_count++;
    lane_tell_raises(lane);
}

/* What other tasks may see: the registry and the counts, as of the durable journal. */
static void state_publish(struct lane *lane, const struct recovery *recovery)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    registry_publish(lane);
    lane->status.head = lane->head;
    const struct lane_sizes sizes = tally_sizes(lane->ledger);
    tally_show(lane, &sizes);
    lane->status.replayed_records = recovery->records;
    lane->status.index_batch = least_cursor(lane);
    lane->status.index_fault = STATUS_OK;
    sync->unlock(lane->monitor);
}

enum status recovery_follow(struct lane *lane, struct batch_reader *reader, struct error *out_error)
{
    struct recovery recovery = {
        .lane = lane,
        .ledger_from = reader->header->sequence - 1,
        .holds_counted = true,
        .with_indexes = lane->rebuild.state == REBUILD_NONE,
    };
    enum status status = batch_replay(&recovery, reader, out_error);
    if (status != STATUS_OK) return status;
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    if (recovery.changes_registry) registry_publish(lane);
    const struct lane_sizes sizes = tally_sizes(lane->ledger);
    tally_show(lane, &sizes);
    sync->unlock(lane->monitor);
    return STATUS_OK;
}

enum status recovery_derive(struct lane *lane, struct error *out_error)
{
    enum status status = ledger_recovered(lane->ledger);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the followed state is wrong");
}

static enum status recover(struct lane *lane, struct error *out_error)
{
    struct store *store = lane->ports.store;
    struct recovery recovery = { .lane = lane };
    ledger_reset(lane->ledger);
    enum status status = store->head(store, &lane->head, out_error);
    if (status != STATUS_OK) return status;
    status = indexes_load_or_clear(lane, out_error);
    if (status != STATUS_OK) return status;
    status = checkpoint_load(&recovery, lane->head.sequence, out_error);
    if (status != STATUS_OK) return status;
    status = journal_replay(&recovery, out_error);
    if (status != STATUS_OK) return status;
    status = state_check(lane, out_error);
    if (status != STATUS_OK) return status;
    lane->next_sequence = lane->head.sequence + 1;
    lane->sweep_credit = 0;
    state_publish(lane, &recovery);
    if (!recovery.with_indexes) rebuild_begin(lane, least_cursor(lane));
    return rebuild_now(lane, out_error);
}

enum status recovery_run(struct lane *lane, struct error *out_error)
{
    CHECK(lane->flying == NULL);
    enum status status = recover(lane, out_error);
    if (status != STATUS_CORRUPT || !indexes_damaged(lane) || lane->options.read_only) {
        return status;
    }
    rebuild_lose(lane); /* a run was damaged that was to be merged: without any, then */
    return recover(lane, out_error);
}

enum status recovery_fenced(struct lane *lane, uint64_t epoch, struct error *out_error)
{
    struct store *store = lane->ports.store;
    struct store_head head;
    struct error ignored = { 0 }; /* what was found first is what is told */
    if (store->head(store, &head, &ignored) != STATUS_OK || head.epoch <= epoch) {
        return STATUS_CORRUPT;
    }
    return error_set(out_error, STATUS_FENCED, "another owner has taken the lane over");
}
