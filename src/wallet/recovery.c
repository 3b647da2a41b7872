/* Slices first, then every batch above the oldest of them, each record where it is newer. */
#include "wallet/recovery.h"

#include <string.h>

#include "base/check.h"
#include "ledger/replay.h"
#include "ledger/verify.h"

struct recovery {
    struct lane *lane;
    uint64_t ledger_from; /* batches above it are replayed; some slice is no newer */
    uint64_t registry_at;
    uint64_t sweep_generation; /* the newest whole one */
    bool holds_counted;
    struct digest previous; /* of the batch read last */
    bool previous_known;
    struct wall_time stamp;
    uint64_t records;
};

static enum status indexes_load(struct lane *lane, uint64_t head, struct error *out_error)
{
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        enum status status = index_load(lane->indexes[i], out_error);
        if (status != STATUS_OK) return status;
        if (index_cursor(lane->indexes[i]) > head) {
            return error_set(out_error, STATUS_CORRUPT, "the index is ahead of the journal");
        }
    }
    return STATUS_OK;
}

/* An index that cannot be used is no loss: it is made again. */
static enum status indexes_load_or_clear(struct lane *lane, uint64_t head, struct error *out_error)
{
    enum status status = indexes_load(lane, head, out_error);
    if (status != STATUS_CORRUPT) return status;
    const struct log_line line = {
        .level = LOG_ALARM,
        .event = STR("index.rebuild"),
        .message = STR("the index is damaged or not of this journal; rebuilding it"),
    };
    log_write(lane->ports.log, line);
    status = lane->ports.run_store->clear(lane->ports.run_store, out_error);
    if (status != STATUS_OK) return status;
    return indexes_load(lane, head, out_error);
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

/* Without a whole sweep there is no checkpoint: everything is replayed. */
static enum status checkpoint_load(struct recovery *recovery, uint64_t head,
                                   struct error *out_error)
{
    struct lane *lane = recovery->lane;
    struct store *store = lane->ports.store;
    BUF_SCOPE struct buf list;
    buf_init(&list, 64 << 20);
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
    uint64_t newest = 0;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].generation > newest) newest = slices[i].generation;
    }
    lane->sweep = (struct sweep){ .generation = newest + 1, .table = SLICE_ACCOUNTS };
    lane->ledger->hold_replay_from = 1;
    if (recovery->sweep_generation == 0) return STATUS_OK;
    slices_sort(slices, count);
    recovery->ledger_from = UINT64_MAX;
    status = slices_load(recovery, slices, count, out_error);
    if (status != STATUS_OK) return status;
    return replay_start(recovery, head, out_error);
}

static enum status header_check(struct recovery *recovery, const struct batch_header *header,
                                uint64_t sequence, struct error *out_error)
{
    struct lane *lane = recovery->lane;
    const char *fault = NULL;
    if (header->sequence != sequence) fault = "it bears another number";
    if (header->lane != lane->options.number) fault = "it belongs to another lane";
    if (recovery->previous_known && !digest_equal(&header->previous, &recovery->previous)) {
        fault = "it does not follow the batch before it";
    }
    if (header->stamp.ns <= recovery->stamp.ns) fault = "its stamp is not after the one before";
    if (fault == NULL) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal: %s",
                     (unsigned long long)sequence, fault);
}

void recovery_index_record(struct lane *lane, unsigned which, struct locator locator,
                           const struct record_head *record)
{
    if (record->type == RECORD_CONTEXT && (which & 1U << LANE_INDEX_KEYS) != 0) {
        const struct record_context *context = (const struct record_context *)record;
        if (!uuid_is_nil(context->key) && context->first != 0) {
            index_insert(lane->indexes[LANE_INDEX_KEYS], context->key, locator);
        }
    }
    bool rests = record->type == RECORD_PAYMENT && (record->flags & RECORD_FLAG_RESTS) != 0;
    if (rests && (which & 1U << LANE_INDEX_PAYMENTS) != 0) {
        const struct record_payment *payment = (const struct record_payment *)record;
        index_insert(lane->indexes[LANE_INDEX_PAYMENTS], payment->payment.id.value, locator);
    }
    if (record->type != RECORD_TRANSFER) return;
    const struct record_transfer *transfer = (const struct record_transfer *)record;
    if ((which & 1U << LANE_INDEX_IDS) != 0 && !uuid_is_nil(transfer->id.value)) {
        index_insert(lane->indexes[LANE_INDEX_IDS], transfer->id.value, locator);
    }
    if ((which & 1U << LANE_INDEX_REFERENCES) != 0 && !uuid_is_nil(transfer->user_ref)) {
        index_insert(lane->indexes[LANE_INDEX_REFERENCES], transfer->user_ref, locator);
    }
    if ((which & 1U << LANE_INDEX_CLOSINGS) != 0 &&
        (record->flags & RECORD_FLAG_CLOSES_HOLD) != 0) {
        const struct record_transfer_more *more =
            (const struct record_transfer_more *)(transfer + 1);
        index_insert(lane->indexes[LANE_INDEX_CLOSINGS], more->target.value, locator);
    }
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
    recovery_index_record(lane, which, moment.locator, record);
    if (moment.batch <= recovery->ledger_from) return STATUS_OK;
    recovery->records++;
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

static enum status batch_replay(struct recovery *recovery, uint64_t sequence, struct str blob,
                                struct error *out_error)
{
    struct lane *lane = recovery->lane;
    struct batch_reader reader;
    enum status status = batch_open(blob, &reader, out_error);
    if (status != STATUS_OK) return status;
    status = header_check(recovery, reader.header, sequence, out_error);
    if (status != STATUS_OK) return status;
    status = holds_count_check(recovery, reader.header, out_error);
    if (status != STATUS_OK) return status;
    unsigned which = 0;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (index_cursor(lane->indexes[i]) < sequence) which |= 1U << i;
    }
    for (;;) {
        const struct record_head *record;
        status = batch_next(&reader, &record, out_error);
        if (status == STATUS_NOT_FOUND) break;
        if (status != STATUS_OK) return status;
        status = record_replay(recovery, &reader, record, which, out_error);
        if (status != STATUS_OK) return status;
    }
    recovery->stamp = reader.header->stamp;
    recovery->previous = digest_of(blob.data, blob.len);
    recovery->previous_known = true;
    return STATUS_OK;
}

/* Full tables become runs here and now: nobody else is at work yet. */
static enum status indexes_make_room(struct lane *lane, uint64_t sequence, struct error *out_error)
{
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        while (!index_freeze(lane->indexes[i], sequence, 0)) {
            struct index_job job;
            if (!index_next_job(lane->indexes[i], sequence, &job)) {
                return error_set(out_error, STATUS_LIMIT, "no room to rebuild the index");
            }
            index_job_run(&job);
            index_job_done(&job);
            if (job.status != STATUS_OK) {
                if (out_error != NULL) *out_error = job.error;
                return job.status;
            }
        }
    }
    return STATUS_OK;
}

static void progress_log(struct lane *lane, uint64_t sequence, uint64_t head)
{
    struct log_field fields[] = {
        { STR("batch"), { NULL, 0 }, (int64_t)sequence },
        { STR("head"), { NULL, 0 }, (int64_t)head },
    };
    const struct log_line line = {
        .level = LOG_INFO,
        .event = STR("recovery.progress"),
        .message = STR("replaying the journal"),
        .fields = fields,
        .field_count = 2,
    };
    log_write(lane->ports.log, line);
}

static enum status journal_replay(struct recovery *recovery, struct error *out_error)
{
    struct lane *lane = recovery->lane;
    struct store *store = lane->ports.store;
    uint64_t from = recovery->ledger_from;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        uint64_t cursor = index_cursor(lane->indexes[i]);
        if (cursor < from) from = cursor;
    }
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    for (uint64_t sequence = from + 1; sequence <= lane->head.sequence; sequence++) {
        buf_reset(&blob);
        enum status status = store->read(store, sequence, &blob, out_error);
        if (status == STATUS_NOT_FOUND) {
            status = error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal is missing",
                               (unsigned long long)sequence);
        }
        if (status == STATUS_OK) {
            status = batch_replay(recovery, sequence, buf_view(&blob), out_error);
        }
        if (status == STATUS_OK) status = indexes_make_room(lane, sequence, out_error);
        if (status != STATUS_OK) return status;
        if (sequence % 1024 == 0) progress_log(lane, sequence, lane->head.sequence);
    }
    if (!recovery->previous_known || digest_equal(&recovery->previous, &lane->head.hash)) {
        return STATUS_OK;
    }
    return error_set(out_error, STATUS_CORRUPT, "the last batch is not the one at the head");
}

static enum status state_check(struct lane *lane, struct error *out_error)
{
    const char *reason = "an account is of no known kind or asset";
    enum status status = ledger_recovered(lane->ledger);
    if (status == STATUS_OK) status = ledger_check(lane->ledger, &reason);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the recovered state is wrong: %s", reason);
}

/* What other tasks may see: the registry and the counts, as of the durable journal. */
static void state_publish(struct lane *lane, const struct recovery *recovery)
{
    struct sync *sync = lane->ports.sync;
    const struct registry *from = &lane->ledger->registry;
    sync->lock(lane->monitor);
    struct registry *into = &lane->published;
    memcpy(into->assets, from->assets, from->asset_count * sizeof *from->assets);
    memcpy(into->credentials, from->credentials,
           from->credential_count * sizeof *from->credentials);
    into->asset_count = from->asset_count;
    into->credential_count = from->credential_count;
    into->closed_through = from->closed_through;
    memcpy(into->rates, from->rates, from->rate_count * sizeof *from->rates);
    into->rate_count = from->rate_count;
    lane->status.head = lane->head;
    lane->status.account_count = lane->ledger->account_count;
    lane->status.hold_count = lane->ledger->holds.count;
    lane->status.reversal_count = lane->ledger->reversal_count;
    lane->status.payment_count = lane->ledger->payments.count;
    lane->status.replayed_records = recovery->records;
    lane->status.index_batch = lane->head.sequence;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        uint64_t cursor = index_cursor(lane->indexes[i]);
        if (cursor < lane->status.index_batch) lane->status.index_batch = cursor;
    }
    sync->unlock(lane->monitor);
}

enum status recovery_run(struct lane *lane, struct error *out_error)
{
    CHECK(lane->flying == NULL);
    struct store *store = lane->ports.store;
    struct recovery recovery = { .lane = lane };
    ledger_reset(lane->ledger);
    enum status status = store->head(store, &lane->head, out_error);
    if (status != STATUS_OK) return status;
    status = indexes_load_or_clear(lane, lane->head.sequence, out_error);
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
    return STATUS_OK;
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

void recovery_drop_damaged_index(struct lane *lane)
{
    bool damaged = false;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (index_damage_take(lane->indexes[i])) damaged = true;
    }
    if (!damaged || lane->options.read_only) return;
    struct run_store *runs = lane->ports.run_store;
    struct error error = { 0 };
    bool cleared = runs->clear(runs, &error) == STATUS_OK;
    const struct log_line line = {
        .level = LOG_ALARM,
        .event = cleared ? STR("index.dropped") : STR("index.drop_failed"),
        .message = cleared ? STR("the index was damaged; the next start makes it anew")
                           : str_from(error.message),
    };
    log_write(lane->ports.log, line);
}
