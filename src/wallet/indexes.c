#include "wallet/indexes.h"

#include "wallet/lane_task.h"
#include "wallet/rebuild.h"

enum { JOB_RETRY_MS = 1000 };

uint64_t indexes_covered(const struct lane *lane)
{
    return lane->rebuild.state == REBUILD_RUNNING ? lane->rebuild.walk.sequence
                                                  : lane->next_sequence - 1;
}

/* Of what is in memory, that which no crash can take back. */
static uint64_t durable(const struct lane *lane)
{
    uint64_t covered = indexes_covered(lane);
    return covered < lane->head.sequence ? covered : lane->head.sequence;
}

uint64_t indexes_batch(const struct lane *lane)
{
    uint64_t least = durable(lane);
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        uint64_t covered = index_covered(lane->indexes[i], lane->head.sequence);
        if (covered < least) least = covered;
    }
    return least;
}

void indexes_reach(struct lane *lane, struct store_point point)
{
    for (int i = 0; i < LANE_INDEX_COUNT; i++) index_reach(lane->indexes[i], point);
}

bool indexes_caught_up(const struct lane *lane, uint64_t up_to)
{
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (!index_caught_up(lane->indexes[i], up_to)) return false;
    }
    return true;
}

bool indexes_damaged(const struct lane *lane)
{
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (index_is_damaged(lane->indexes[i])) return true;
    }
    return false;
}

/*
 * When one table is full all are frozen: recovery reads the journal from the least cursor on,
 * so an index that gets little must not stay behind.
 */
bool indexes_ready(struct lane *lane, uint64_t up_to)
{
    bool ready = true;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (index_is_full(lane->indexes[i])) up_to = UINT64_MAX;
    }
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (!index_freeze(lane->indexes[i], indexes_covered(lane), up_to)) ready = false;
    }
    return ready;
}

unsigned indexes_lacking(const struct lane *lane, uint64_t sequence)
{
    unsigned which = 0;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (index_cursor(lane->indexes[i]) < sequence) which |= 1U << i;
    }
    return which;
}

/* A refusal is found by its id; only what was made is listed by its reference. */
static void account_enter(struct lane *lane, unsigned which, struct locator locator,
                          const struct record_account *record)
{
    const struct account *account = &record->account;
    if ((which & 1U << LANE_INDEX_ACCOUNTS) != 0) {
        index_insert(lane->indexes[LANE_INDEX_ACCOUNTS], account->id.value, locator);
    }
    if ((which & 1U << LANE_INDEX_ACCOUNT_REFERENCES) == 0) return;
    if (record->head.outcome != ACCOUNT_OUTCOME_OK || uuid_is_nil(account->user_ref)) return;
    index_insert(lane->indexes[LANE_INDEX_ACCOUNT_REFERENCES], account->user_ref, locator);
}

void indexes_enter(struct lane *lane, unsigned which, struct locator locator,
                   const struct record_head *record)
{
    if (record->type == RECORD_ACCOUNT) {
        account_enter(lane, which, locator, (const struct record_account *)record);
    }
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

/* ---- Jobs ---- */

/* After a job: whether writes still have to wait for room in memory is looked at again. */
static void job_finish(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    index_job_done(&lane->job);
    sync->lock(lane->monitor);
    lane->status.index_batch = indexes_batch(lane);
    if (lane->job.status == STATUS_OK) lane->status.index_fault = STATUS_OK;
    sync->unlock(lane->monitor);
}

bool indexes_job_take(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    bool done = lane->job_state == HANDOVER_DONE;
    if (done) lane->job_state = HANDOVER_IDLE;
    sync->unlock(lane->monitor);
    if (!done) return false;
    job_finish(lane);
    if (lane->job.status == STATUS_OK) return true;
    lane_log_error(lane, STR("index.write_failed"), &lane->job.error);
    lane->retry_at = lane_in_ms(lane, JOB_RETRY_MS);
    if (indexes_damaged(lane)) rebuild_lose(lane);
    return true;
}

bool indexes_job_is_out(struct lane *lane)
{
    lane->ports.sync->lock(lane->monitor);
    bool out = lane->job_state != HANDOVER_IDLE;
    lane->ports.sync->unlock(lane->monitor);
    return out;
}

void indexes_job_wait(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    while (lane->job_state == HANDOVER_READY) (void)sync->wait(lane->monitor, MONOTONIC_NEVER);
    bool done = lane->job_state == HANDOVER_DONE;
    lane->job_state = HANDOVER_IDLE;
    sync->unlock(lane->monitor);
    if (done) index_job_done(&lane->job);
}

bool indexes_exchange(struct lane *lane)
{
    bool done = indexes_job_take(lane);
    if (lane->rebuild.state == REBUILD_LOST) return done; /* those runs will go */
    if (indexes_job_is_out(lane) || lane->options.read_only) return done;
    if (clock_monotonic(lane->ports.clock).ns < lane->retry_at.ns) return done;
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        if (!index_next_job(lane->indexes[i], &lane->job)) continue;
        lane->ports.sync->lock(lane->monitor);
        lane->job_state = HANDOVER_READY;
        lane->ports.sync->unlock(lane->monitor);
        doorbell_ring(lane->ports.sync, &lane->index_bell, false);
        return true;
    }
    return done;
}

/* ---- Catching up ---- */

void indexes_catch_up_begin(struct lane *lane, bool draining)
{
    if (lane->options.read_only || lane->building->batch.record_count > 0) return;
    if (lane->rebuild.state == REBUILD_LOST) return;
    if (lane->rebuild.state == REBUILD_RUNNING && !draining) return;
    if (lane->catch_up_wish == 0) {
        lane->ports.sync->lock(lane->monitor);
        bool asked = lane->catch_ups_wanted != lane->catch_ups_done;
        if (asked) lane->catch_up_wish = lane->catch_ups_wanted;
        lane->ports.sync->unlock(lane->monitor);
        lane->catch_up_batch = lane->next_sequence - 1;
    }
    if (lane->catch_up_wish == 0 && !draining) return;
    /* no free table: the next round, when a job is done */
    (void)indexes_ready(lane, draining ? UINT64_MAX : lane->catch_up_batch);
}

bool indexes_catch_up_end(struct lane *lane)
{
    if (lane->catch_up_wish == 0 || lane->rebuild.state != REBUILD_NONE) return false;
    if (!indexes_caught_up(lane, lane->catch_up_batch)) return false;
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    lane->catch_ups_done = lane->catch_up_wish;
    sync->wake_all(lane->monitor);
    sync->unlock(lane->monitor);
    lane->catch_up_wish = 0;
    return true;
}
