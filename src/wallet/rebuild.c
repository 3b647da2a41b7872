#include "wallet/rebuild.h"

#include "base/check.h"
#include "wallet/indexes.h"
#include "wallet/lane_task.h"
#include "wallet/recovery.h"

enum {
    ROUND_BATCHES_MAX = 32, /* between two looks at the queue: */
    ROUND_BYTES_MAX = 4 << 20,
    RETRY_MS = 1000,
    LOG_S = 5,
};

/* At the pace so far. Rounded up, so that it is never said to be over. */
static uint64_t seconds_left(struct lane *lane)
{
    const struct rebuild *rebuild = &lane->rebuild;
    uint64_t done = rebuild->walk.sequence - rebuild->from;
    uint64_t left = lane->head.sequence - rebuild->walk.sequence;
    int64_t spent_ns = clock_monotonic(lane->ports.clock).ns - rebuild->begun.ns;
    if (done == 0 || spent_ns <= 0) return 1;
    uint64_t spent_ms = (uint64_t)(spent_ns / NS_PER_MS);
    return spent_ms * left / done / (NS_PER_S / NS_PER_MS) + 1; /* years of ms: far below 2^64 */
}

static void progress_publish(struct lane *lane)
{
    bool rebuilding = lane->rebuild.state != REBUILD_NONE;
    bool running = lane->rebuild.state == REBUILD_RUNNING;
    uint64_t left_s = running ? seconds_left(lane) : rebuilding;
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    lane->status.rebuilding = rebuilding;
    lane->status.rebuilt_batch = running ? lane->rebuild.walk.sequence : 0;
    lane->status.rebuild_left_s = left_s;
    if (rebuilding) lane->status.index_fault = STATUS_OK; /* it is told of as rebuilding */
    lane->status.index_batch = indexes_batch(lane);
    sync->unlock(lane->monitor);
}

static void progress_log(struct lane *lane)
{
    struct monotonic_time now = clock_monotonic(lane->ports.clock);
    if (now.ns < lane->rebuild.log_at.ns) return;
    lane->rebuild.log_at.ns = now.ns + LOG_S * NS_PER_S;
    lane_log_progress(lane, STR("index.rebuilding"), STR("reading the journal for the index"),
                      lane->rebuild.walk.sequence);
}

void rebuild_reset(struct lane *lane)
{
    journal_walk_close(&lane->rebuild.walk);
    lane->rebuild = (struct rebuild){ 0 };
}

void rebuild_begin(struct lane *lane, uint64_t after)
{
    CHECK(after <= lane->head.sequence);
    rebuild_reset(lane);
    struct rebuild *rebuild = &lane->rebuild;
    rebuild->state = REBUILD_RUNNING;
    rebuild->from = after;
    rebuild->begun = clock_monotonic(lane->ports.clock);
    journal_walk_open(&rebuild->walk, lane->ports.store, lane->options.number, after);
    lane->job.status = STATUS_OK; /* what failed before was of runs that are gone */
    lane->retry_at = (struct monotonic_time){ 0 };
    progress_publish(lane);
}

void rebuild_lose(struct lane *lane)
{
    if (lane->rebuild.state == REBUILD_LOST || lane->options.read_only) return;
    rebuild_reset(lane);
    lane->rebuild.state = REBUILD_LOST;
    progress_publish(lane);
    lane_log(lane, LOG_ALARM, STR("index.damaged"),
             STR("the index is damaged; read-only until it is made anew from the journal"));
}

static void rebuild_end(struct lane *lane)
{
    uint64_t reached = lane->rebuild.walk.sequence;
    rebuild_reset(lane);
    progress_publish(lane);
    lane_log_progress(lane, STR("index.rebuilt"), STR("the index covers the journal"), reached);
}

/* There is room for a batch's entries. */
static enum status batch_enter(struct lane *lane, struct error *out_error)
{
    struct journal_walk *walk = &lane->rebuild.walk;
    struct batch_reader reader;
    enum status status = journal_walk_read(walk, &reader, out_error);
    if (status != STATUS_OK) return status;
    unsigned which = indexes_lacking(lane, walk->sequence + 1);
    for (;;) {
        const struct record_head *record;
        status = batch_next(&reader, &record, out_error);
        if (status == STATUS_NOT_FOUND) break;
        if (status != STATUS_OK) return status;
        indexes_enter(lane, which, batch_locator(&reader, record), record);
    }
    journal_walk_next(walk);
    indexes_reach(lane, journal_walk_point(walk));
    return STATUS_OK;
}

/* True: the head is reached, and it is the one that is known. */
static enum status end_look(struct lane *lane, bool *out_ended, struct error *out_error)
{
    const struct journal_walk *walk = &lane->rebuild.walk;
    *out_ended = walk->sequence == lane->head.sequence;
    if (!*out_ended || journal_walk_ends_at(walk, &lane->head.hash)) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the last batch is not the one at the head");
}

/* ---- Here and now ---- */

enum status rebuild_make_room(struct lane *lane, struct error *out_error)
{
    while (!indexes_ready(lane, 0)) {
        struct index_job job;
        bool any = false;
        for (int i = 0; i < LANE_INDEX_COUNT && !any; i++) {
            any = index_next_job(lane->indexes[i], &job);
        }
        if (!any) return error_set(out_error, STATUS_LIMIT, "no room to rebuild the index");
        index_job_run(&job);
        index_job_done(&job);
        if (job.status == STATUS_OK) continue;
        if (out_error != NULL) *out_error = job.error;
        return job.status;
    }
    return STATUS_OK;
}

enum status rebuild_now(struct lane *lane, struct error *out_error)
{
    int64_t wait_ns = lane->options.index_wait_ms * NS_PER_MS;
    bool bounded = wait_ns >= 0 && !lane->options.read_only; /* a reader has no task for it */
    while (lane->rebuild.state == REBUILD_RUNNING) {
        bool ended;
        enum status status = end_look(lane, &ended, out_error);
        if (status == STATUS_OK && ended) rebuild_end(lane);
        if (status != STATUS_OK || ended) return status;
        int64_t now_ns = clock_monotonic(lane->ports.clock).ns;
        if (bounded && now_ns - lane->rebuild.begun.ns >= wait_ns) break;
        status = rebuild_make_room(lane, out_error);
        if (status == STATUS_OK) status = batch_enter(lane, out_error);
        if (status != STATUS_OK) return status;
        progress_log(lane);
    }
    progress_publish(lane);
    return STATUS_OK;
}

/* ---- Beside the callers ---- */

static enum status runs_drop(struct lane *lane, struct error *out_error)
{
    struct run_store *runs = lane->ports.run_store;
    enum status status = runs->clear(runs, out_error);
    for (int i = 0; i < LANE_INDEX_COUNT && status == STATUS_OK; i++) {
        status = index_load(lane->indexes[i], out_error);
    }
    if (status != STATUS_OK) return status;
    lane_log(lane, LOG_WARNING, STR("index.dropped"), STR("the index is made anew"));
    rebuild_begin(lane, 0);
    return STATUS_OK;
}

/* Whether damaged runs may go: what is in the air was decided by them, and lands first. */
static bool in_the_air(struct lane *lane)
{
    return lane->flying != NULL || lane->building->batch.record_count > 0 ||
           indexes_job_is_out(lane);
}

/* As far as there is room, and not for long. */
static enum status batches_enter(struct lane *lane, bool *out_any, struct error *out_error)
{
    struct journal_walk *walk = &lane->rebuild.walk;
    uint64_t first = walk->sequence;
    size_t bytes = 0;
    enum status status = STATUS_OK;
    bool ended = false;
    while (status == STATUS_OK && !ended) {
        status = end_look(lane, &ended, out_error);
        bool enough = bytes >= ROUND_BYTES_MAX || walk->sequence - first >= ROUND_BATCHES_MAX;
        if (status != STATUS_OK || ended || enough || !indexes_ready(lane, 0)) break;
        status = batch_enter(lane, out_error);
        bytes += walk->blob.len;
    }
    *out_any = walk->sequence != first || ended;
    if (status != STATUS_OK) return status;
    if (ended) rebuild_end(lane);
    return STATUS_OK;
}

/* What the journal says cannot be indexed stops the lane; all else may be better later. */
static void failure_note(struct lane *lane, enum status status, struct error *error)
{
    bool journal = status == STATUS_CORRUPT && !indexes_damaged(lane);
    if (journal) status = recovery_fenced(lane, lane->head.epoch, error);
    lane_log_error(lane, STR("index.rebuild_failed"), error);
    if (journal) lane_set_flags(lane, false, status == STATUS_FENCED, status == STATUS_CORRUPT);
    lane->rebuild.retry_at = lane_in_ms(lane, RETRY_MS);
}

bool rebuild_round(struct lane *lane, bool draining)
{
    struct rebuild *rebuild = &lane->rebuild;
    if (rebuild->state == REBUILD_NONE) return false;
    if (clock_monotonic(lane->ports.clock).ns < rebuild->retry_at.ns) return false;
    struct error error = { 0 };
    bool any = true;
    enum status status = STATUS_OK;
    if (rebuild->state == REBUILD_LOST) {
        if (in_the_air(lane)) return false;
        status = runs_drop(lane, &error);
    } else if (!draining) {
        status = batches_enter(lane, &any, &error);
        if (rebuild->state == REBUILD_RUNNING) progress_publish(lane);
        if (rebuild->state == REBUILD_RUNNING) progress_log(lane);
    } else {
        return false;
    }
    if (status != STATUS_OK) failure_note(lane, status, &error);
    return status == STATUS_OK && any;
}
