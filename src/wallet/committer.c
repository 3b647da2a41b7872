/*
 * The apply task builds a batch from whatever waits and hands it to the flush task as soon as
 * that is idle and nobody is about to come back (wallet/gather.h); so one caller alone is not
 * kept waiting. It alone touches the ledger and the indexes.
 */
#include "wallet/committer.h"

#include <string.h>

#include "base/check.h"
#include "wallet/acts.h"
#include "wallet/applier.h"
#include "wallet/indexes.h"
#include "wallet/lane_task.h"
#include "wallet/payer.h"
#include "wallet/rebuild.h"
#include "wallet/recovery.h"
#include "wallet/tally.h"

enum {
    PIECES_MAX = 32,
    RETRY_MS_MIN = 100,
    FULL_PAUSE_MS = 1000, /* between two looks at a full disk */
    FULL_PAUSE_MS_MAX = 64 * FULL_PAUSE_MS,
    SWEEP_SHARE = 4,       /* one byte of checkpoint for so many of journal */
    SLICE_COST_MIN = 4096, /* a slice costs at least a page, however few its entries */
};

/* The request is finished: it is answered when everything it saw is durable. */
static void request_finish(struct lane *lane, struct request *request, enum status status)
{
    request->status = status;
    bool building = lane->building->batch.record_count > 0;
    uint32_t units = building ? lane->building->batch.unit_count : 0;
    bool read = request->kind == REQUEST_READ;
    request->position.batch = building ? lane->next_sequence : lane->next_sequence - 1;
    request->position.index = units == 0 || read ? 0 : units - 1; /* none: all were repeats */
    if (building) {
        answers_add(&lane->building->answers, request);
    } else if (lane->flying != NULL) {
        answers_add(&lane->flying->answers, request);
    } else {
        answer_give(&lane->waiters, request, status);
    }
}

static bool usable(const struct lane *lane)
{
    return !lane->status.fenced && !lane->status.damaged && !lane->memory_lost;
}

/* ---- Batches ---- */

static struct wall_time wall_look(struct lane *lane)
{
    struct wall_time wall;
    bool jumped = clock_watch_jumped(&lane->clock_watch, lane->ports.clock, &wall);
    if (lane->expiry_paused || !jumped) return wall;
    lane->expiry_paused = true;
    lane->ports.sync->lock(lane->monitor);
    lane->status.expiry_paused = true;
    lane->ports.sync->unlock(lane->monitor);
    lane_log(lane, LOG_ALARM, STR("clock.jumped"),
             STR("the wall clock jumped forward; holds do not expire until that is confirmed"));
    return wall;
}

/*
 * Looks before anything is decided: so a full disk costs no reload of memory, which a refused
 * append does. The same look tells when there is room again.
 */
static bool disk_has_room(struct lane *lane)
{
    struct store *store = lane->ports.store;
    struct error error = { 0 };
    bool full = store->room(store, &error) == STATUS_LIMIT;
    if (full) lane->full_look = lane_in_ms(lane, FULL_PAUSE_MS);
    if (full == lane->status.full) return !full;
    if (full) lane_log_error(lane, STR("disk.full"), &error);
    lane->ports.sync->lock(lane->monitor);
    lane->status.full = full;
    lane->ports.sync->unlock(lane->monitor);
    return !full;
}

/* No table is free for what comes next, and none will be soon: who waits is told. */
static void index_stuck_note(struct lane *lane)
{
    if (indexes_job_is_out(lane) || lane->job.status == STATUS_OK) return; /* out: not ours */
    enum status fault = lane->job.status == STATUS_LIMIT ? STATUS_LIMIT : STATUS_UNAVAILABLE;
    lane->ports.sync->lock(lane->monitor);
    lane->status.index_fault = fault;
    lane->ports.sync->unlock(lane->monitor);
}

/* Begins a batch, or begins it anew while nothing is in it, so that its stamp is fresh. */
static bool batch_ready(struct lane *lane)
{
    struct flight *flight = lane->building;
    if (flight->batch.record_count > 0) return true;
    if (!indexes_ready(lane, 0)) {
        index_stuck_note(lane);
        return false;
    }
    if (!disk_has_room(lane)) return false;
    struct wall_time wall = wall_look(lane);
    struct wall_time last = lane->flying != NULL ? lane->flying->batch.stamp : lane->head.stamp;
    struct batch_header header = {
        .magic = BATCH_MAGIC,
        .version = BATCH_VERSION,
        .header_size = sizeof header,
        .lane = lane->options.number,
        .sequence = lane->next_sequence,
        .stamp = { wall.ns > last.ns ? wall.ns : last.ns + 1 },
        .first_account = lane->ledger->account_count,
        .first_hold = lane->ledger->holds_made + 1,
        .first_reversal = lane->ledger->reversal_count,
        .first_payment = lane->ledger->payments.used,
    };
    batch_begin(&flight->batch, &header);
    flight->context_owner = NULL;
    flight->changes_registry = false;
    flight->expiries = 0;
    return true;
}

static void slices_take(struct lane *lane, struct flight *flight)
{
    flight->slice_count = 0;
    buf_reset(&flight->slice_bytes);
    lane->sweep_credit += flight->batch.size / SWEEP_SHARE;
    size_t offsets[STORE_SLICES_PER_BATCH_MAX];
    while (flight->slice_count < STORE_SLICES_PER_BATCH_MAX) {
        size_t cost = sweep_next_size(lane->ledger, &lane->sweep);
        if (cost < SLICE_COST_MIN) cost = SLICE_COST_MIN;
        if (cost > lane->sweep_credit) break;
        lane->sweep_credit -= cost;
        size_t offset = flight->slice_bytes.len;
        struct slice slice = sweep_next(lane->ledger, &lane->sweep, &flight->slice_bytes);
        offsets[flight->slice_count] = offset;
        flight->slices[flight->slice_count++] = (struct store_slice){
            .table = slice.table,
            .generation = slice.generation,
            .from = slice.from,
            .to = slice.to,
            .size = flight->slice_bytes.len - offset,
        };
    }
    CHECK(!flight->slice_bytes.overflow);
    for (uint32_t i = 0; i < flight->slice_count; i++) {
        flight->slices[i].data = flight->slice_bytes.data + offsets[i];
    }
}

static void flight_clear(struct flight *flight)
{
    flight->batch.record_count = 0;
    flight->answers = (struct answers){ 0 };
    flight->context_owner = NULL;
    tally_clear(flight);
}

/* Hands the batch that was built to the flush task. */
static void launch(struct lane *lane)
{
    struct flight *flight = lane->building;
    CHECK(lane->flying == NULL && flight->batch.record_count > 0);
    slices_take(lane, flight);
    flight->sizes = tally_sizes(lane->ledger);
    batch_seal(&flight->batch, lane->head.epoch, &lane->head.hash);
    lane->flying = flight;
    lane->building = flight == &lane->flights[0] ? &lane->flights[1] : &lane->flights[0];
    flight_clear(lane->building);
    lane->next_sequence++;
    lane->ports.sync->lock(lane->monitor);
    lane->flush_flight = flight;
    lane->flush_state = HANDOVER_READY;
    lane->wake_items = LANE_WAKE_ITEMS; /* the apply task wakes when it lands, anyway */
    lane->launches++;
    lane->ports.sync->unlock(lane->monitor);
    doorbell_ring(lane->ports.sync, &lane->flush_bell, false);
}

/* ---- Landing ---- */

static void registry_publish(struct lane *lane, const struct flight *flight)
{
    if (!flight->changes_registry) return;
    lane->published_count++;
    struct batch_reader reader;
    struct str blob = { (const char *)flight->batch.data, flight->batch.size };
    enum status status = batch_open(blob, &reader, NULL);
    CHECK(status == STATUS_OK);
    const struct record_head *record;
    while (batch_next(&reader, &record, NULL) == STATUS_OK) {
        if (registry_keeps(record) && record->outcome == ADMIN_OUTCOME_OK) {
            registry_apply(&lane->published, record, flight->batch.stamp);
        }
    }
    lane_tell_raises(lane);
}

/* The batch is durable. Returns its answers, to be given once the next batch is on its way. */
static struct answers land(struct lane *lane)
{
    struct flight *flight = lane->flying;
    lane->head.sequence = flight->batch.sequence;
    lane->head.hash = flight->hash;
    lane->head.stamp = flight->batch.stamp;
    if (lane->rebuild.state != REBUILD_RUNNING) indexes_reach(lane, store_head_point(&lane->head));
    lane->ports.sync->lock(lane->monitor);
    registry_publish(lane, flight);
    tally_landed(lane, flight);
    lane->ports.sync->unlock(lane->monitor);
    lane->full_pause_ms = 0;
    struct answers answers = flight->answers;
    flight_clear(flight);
    lane->flying = NULL;
    return answers;
}

/* ---- When a commit is not known good ---- */

/* What waits and cannot be done: a request begun may be done in part. */
static void queue_refuse(struct lane *lane, bool begun_only)
{
    for (;;) {
        lane->ports.sync->lock(lane->monitor);
        struct request *request = queue_take_begun(&lane->queue);
        bool begun = request != NULL;
        if (request == NULL && !begun_only) request = queue_take_any(&lane->queue);
        lane->ports.sync->unlock(lane->monitor);
        if (request == NULL) return;
        answer_give(&lane->waiters, request, begun ? STATUS_IN_DOUBT : STATUS_UNAVAILABLE);
    }
}

/* True when the lane is being drained: then it is not waited for. */
static bool sleep_until(struct lane *lane, struct monotonic_time until)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    while (!lane->draining && clock_monotonic(lane->ports.clock).ns < until.ns) {
        (void)sync->wait(lane->monitor, until); /* woken early: looked at again */
    }
    bool draining = lane->draining;
    sync->unlock(lane->monitor);
    return draining;
}

/* One attempt to reload; the epoch must still be ours: a failed attempt may have read another's. */
static enum status reload_once(struct lane *lane, const struct store_head *durable,
                               struct error *out_error)
{
    struct store *store = lane->ports.store;
    struct store_head now;
    enum status status = store->reopen(store, out_error);
    if (status == STATUS_OK) status = store->head(store, &now, out_error);
    if (status == STATUS_OK)
        status = journal_verify(store, &now, store_head_point(durable), out_error);
    if (status == STATUS_CORRUPT) return status;
    if (status == STATUS_OK) status = recovery_run(lane, out_error);
    if (status == STATUS_CORRUPT) status = recovery_fenced(lane, durable->epoch, out_error);
    if (status != STATUS_OK) return status;
    if (lane->head.epoch == durable->epoch) return STATUS_OK;
    return error_set(out_error, STATUS_FENCED, "another owner has taken the lane over");
}

/*
 * Memory is ahead of what is known to be durable: discard it, reload, and find out whether the
 * batch in the air has landed. Its requests are told so; later ones were never sent.
 */
static void reload(struct lane *lane, enum status failure)
{
    struct flight *lost = lane->flying;
    struct digest lost_hash = lost->hash;
    uint64_t lost_sequence = lost->batch.sequence;
    struct answers in_doubt = lost->answers;
    struct answers not_sent = lane->building->answers;
    flight_clear(lost);
    flight_clear(lane->building);
    lane->building->batch.sequence = 0;
    lost->batch.sequence = 0;
    lane->flying = NULL;
    lane_set_flags(lane, true, failure == STATUS_FENCED, failure == STATUS_CORRUPT);
    indexes_job_wait(lane);
    answers_refuse(&lane->waiters, not_sent, STATUS_UNAVAILABLE);
    payer_send_away(lane, STATUS_UNAVAILABLE);
    queue_refuse(lane, true);

    struct error error = { 0 };
    enum status status = failure;
    const struct store_head durable = lane->head;
    int64_t pause_ms = RETRY_MS_MIN;
    while (status != STATUS_FENCED && status != STATUS_CORRUPT) {
        status = reload_once(lane, &durable, &error);
        if (status == STATUS_OK) break;
        lane_log_error(lane, STR("lane.reload_failed"), &error);
        answers_refuse(&lane->waiters, in_doubt, STATUS_IN_DOUBT);
        in_doubt = (struct answers){ 0 };
        queue_refuse(lane, false); /* nobody knows how long it takes: they may ask again */
        if (sleep_until(lane, lane_in_ms(lane, pause_ms))) break;
        if (pause_ms < 64 * RETRY_MS_MIN) pause_ms *= 2;
    }
    bool landed = status == STATUS_OK && lane->head.sequence == lost_sequence &&
                  digest_equal(&lane->head.hash, &lost_hash);
    enum status answer = failure == STATUS_LIMIT ? STATUS_LIMIT : STATUS_UNAVAILABLE;
    if (status != STATUS_OK && failure != STATUS_FENCED) answer = STATUS_IN_DOUBT;
    if (landed) {
        answers_give(&lane->waiters, in_doubt);
    } else {
        answers_refuse(&lane->waiters, in_doubt, answer);
    }
    lane->memory_lost = status != STATUS_OK;
    lane_set_flags(lane, false, status == STATUS_FENCED, status == STATUS_CORRUPT);
    lane_log(lane, LOG_WARNING, STR("lane.reloaded"), STR("memory was made anew from the journal"));
}

/* A disk that is full although there seemed to be room is looked at ever more seldom. */
static void failure_handle(struct lane *lane, enum status failure, const struct error *error)
{
    lane_log_error(lane, STR("commit.failed"), error);
    lane->ports.sync->lock(lane->monitor);
    lane->status.commit_failures++;
    lane->status.full = failure == STATUS_LIMIT;
    lane->ports.sync->unlock(lane->monitor);
    if (failure == STATUS_LIMIT) {
        if (lane->full_pause_ms < FULL_PAUSE_MS) lane->full_pause_ms = FULL_PAUSE_MS;
        lane->full_look = lane_in_ms(lane, lane->full_pause_ms);
        if (lane->full_pause_ms < FULL_PAUSE_MS_MAX) lane->full_pause_ms *= 2;
    }
    reload(lane, failure);
}

/* ---- Pieces ---- */

static enum status piece_apply(struct lane *lane, const struct queue_piece *piece,
                               struct error *out_error)
{
    struct request *request = piece->request;
    if (piece->from == 0) {
        enum status status = acts_key(lane, request, out_error);
        if (status != STATUS_OK) return status;
    } else {
        request->key_is_new = false; /* an earlier batch has recorded it */
    }
    switch (request->kind) {
    case REQUEST_TRANSFERS: return applier_transfers(lane, piece, out_error);
    case REQUEST_ACCOUNTS: return acts_accounts(lane, piece, out_error);
    case REQUEST_ADMIN: return acts_admin(lane, request, out_error);
    case REQUEST_PAYMENT: return payer_command(lane, request, out_error);
    case REQUEST_READ: return acts_read(lane, request, out_error);
    }
    CHECK(false);
    return STATUS_INVALID;
}

/*
 * Damage found while deciding. That of an index is mended, and what was found in it before is
 * right all the same. That of the journal stops the lane: nothing may build on it.
 */
static enum status damage_judge(struct lane *lane, struct error *error)
{
    enum status status = recovery_fenced(lane, lane->head.epoch, error);
    if (status == STATUS_CORRUPT && indexes_damaged(lane) && !lane->options.read_only) {
        rebuild_lose(lane);
        return STATUS_UNAVAILABLE;
    }
    bool fenced = status == STATUS_FENCED;
    lane_set_flags(lane, false, fenced, !fenced);
    return fenced ? STATUS_UNAVAILABLE : STATUS_CORRUPT;
}

static void piece_run(struct lane *lane, const struct queue_piece *piece)
{
    struct request *request = piece->request;
    if (request->kind == REQUEST_READ && request->read->kind == READ_PAYMENT_DUE) {
        payer_park(lane, request);
        return;
    }
    request->spans = piece->from > 0;
    if (piece->from == 0) request->failed = false;
    if (!request->failed) {
        struct error error = { 0 };
        uint32_t records = lane->building->batch.record_count;
        enum status status = lane_request_refused(lane, request);
        bool undone = status != STATUS_OK;
        if (!undone) {
            status = piece_apply(lane, piece, &error);
            undone = status == STATUS_UNAVAILABLE || status == STATUS_CORRUPT;
            if (undone) lane_log_error(lane, STR("history.unreadable"), &error);
        }
        if (status == STATUS_CORRUPT) status = damage_judge(lane, &error);
        bool begun = piece->from > 0 || lane->building->batch.record_count != records;
        request->failed = status != STATUS_OK;
        request->status = undone && begun ? STATUS_IN_DOUBT : status; /* a part is done */
    }
    if (piece->last) request_finish(lane, request, request->failed ? request->status : STATUS_OK);
}

static bool lane_has_work(struct lane *lane)
{
    lane->ports.sync->lock(lane->monitor);
    bool work = lane->queue.requests > 0;
    lane->ports.sync->unlock(lane->monitor);
    return work;
}

static uint32_t room_items(const struct lane *lane)
{
    uint32_t most = QUEUE_TURN_ITEMS;
    while (most > 0 && !batch_has_room(&lane->building->batch, most)) most /= 2;
    return most;
}

/* Takes pieces of at most `room` items together: one visit to the queue for many small requests. */
static uint32_t pieces_take(struct lane *lane, uint32_t room, struct queue_piece *out_pieces,
                            bool *out_landing)
{
    uint32_t count = 0;
    lane->ports.sync->lock(lane->monitor);
    while (count < PIECES_MAX && queue_take(&lane->queue, room, &out_pieces[count])) {
        room -= out_pieces[count++].count;
    }
    *out_landing = lane->flush_state == HANDOVER_DONE;
    lane->ports.sync->unlock(lane->monitor);
    return count;
}

/*
 * Whether writes are taken into the batch now, or refused. False: neither; whoever waits goes on
 * waiting, for a table of the index that is being written.
 */
static bool writes_decided(struct lane *lane)
{
    if (lane_writes_refused(lane) != STATUS_OK || batch_ready(lane)) return true;
    return lane_writes_refused(lane) != STATUS_OK; /* found while getting ready */
}

/* Takes what waits into the batch, as far as there is room. True when anything was done. */
static bool queue_apply(struct lane *lane)
{
    bool any = false;
    while (lane_has_work(lane) && writes_decided(lane)) {
        struct queue_piece pieces[PIECES_MAX];
        bool landing;
        bool refused = lane_writes_refused(lane) != STATUS_OK;
        uint32_t room = refused ? QUEUE_TURN_ITEMS : room_items(lane);
        uint32_t count = pieces_take(lane, room, pieces, &landing);
        for (uint32_t i = 0; i < count; i++) piece_run(lane, &pieces[i]);
        any = any || count > 0;
        if (count == 0 || landing) break; /* no room; or first see what has landed */
    }
    return any;
}

static bool expiry_apply(struct lane *lane)
{
    if (lane->expiry_paused || lane->options.read_only) return false;
    if (lane_writes_refused(lane) != STATUS_OK) return false;
    struct wall_time next = ledger_next_expiry(lane->ledger);
    if (next.ns == 0 || next.ns > clock_wall(lane->ports.clock).ns) return false;
    if (lane->building->batch.record_count > 0 || !batch_ready(lane)) return false;
    if (lane->expiry_paused) return false; /* found while looking at the clocks */
    return applier_expire(lane, BATCH_EXPIRIES_MAX) > 0;
}

/* True: there is room again on a disk that was full. */
static bool full_disk_look(struct lane *lane)
{
    if (!lane->status.full) return false;
    if (clock_monotonic(lane->ports.clock).ns < lane->full_look.ns) return false;
    return disk_has_room(lane);
}

/* ---- The tasks ---- */

/* Takes over what the flush task has done. True when anything landed. */
static bool landing_take(struct lane *lane, struct answers *out_answers)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    bool done = lane->flush_state == HANDOVER_DONE;
    if (done) lane->flush_state = HANDOVER_IDLE;
    if (done) lane->wake_items = 1;
    enum status status = lane->flush_status;
    sync->unlock(lane->monitor);
    if (!done) return false;
    if (status == STATUS_OK) {
        *out_answers = land(lane);
    } else {
        failure_handle(lane, status, &lane->flush_error);
    }
    return true;
}

/* A batch has landed and nothing is built: its callers may be worth waiting for. */
static void callers_await(struct lane *lane, uint32_t answered)
{
    lane->ports.sync->lock(lane->monitor);
    struct gather_landing landing = {
        .answered = answered,
        .waiting = lane->queue.items,
        .commit_ns = lane->flush_ns,
        .now = clock_monotonic(lane->ports.clock),
    };
    gather_begin(&lane->gather, &landing);
    if (lane->gather.until.ns > 0) lane->wake_items = lane->gather.goal;
    lane->ports.sync->unlock(lane->monitor);
}

static bool callers_awaited(struct lane *lane, bool draining)
{
    if (lane->gather.until.ns == 0) return false;
    lane->ports.sync->lock(lane->monitor);
    struct monotonic_time now = clock_monotonic(lane->ports.clock);
    bool held = gather_holds(&lane->gather, lane->queue.items, now) && !draining;
    if (!held) lane->wake_items = 1;
    lane->ports.sync->unlock(lane->monitor);
    return held;
}

/* One round of everything there is to do; false when there was nothing. */
static bool round_run(struct lane *lane, bool draining)
{
    struct answers answers = { 0 };
    bool any = landing_take(lane, &answers);
    if (!usable(lane)) {
        answers_give(&lane->waiters, answers);
        queue_refuse(lane, false);
        payer_send_away(lane, STATUS_UNAVAILABLE);
        if (lane->flying == NULL) {
            answers_refuse(&lane->waiters, lane->building->answers, STATUS_UNAVAILABLE);
            flight_clear(lane->building);
        }
        return indexes_job_take(lane) || any;
    }
    if (lane->flying == NULL && lane->building->batch.record_count > 0) {
        launch(lane);
        any = true;
    } else if (any) {
        callers_await(lane, answers.count);
    }
    answers_give(&lane->waiters, answers);
    if (callers_awaited(lane, draining)) return false;
    indexes_catch_up_begin(lane, draining);
    any = indexes_exchange(lane) || any;
    any = rebuild_round(lane, draining) || any;
    any = full_disk_look(lane) || any;
    any = expiry_apply(lane) || any;
    any = queue_apply(lane) || any;
    if (draining) payer_send_away(lane, STATUS_STOPPED);
    any = payer_give_due(lane) || any;
    if (lane->flying == NULL && lane->building->batch.record_count > 0) {
        launch(lane);
        any = true;
    }
    return indexes_catch_up_end(lane) || any;
}

static struct monotonic_time next_look(struct lane *lane)
{
    struct monotonic_time now = clock_monotonic(lane->ports.clock);
    struct monotonic_time until = MONOTONIC_NEVER;
    if (lane->gather.until.ns > 0) until = lane->gather.until;
    const struct monotonic_time retries[] = { lane->retry_at, lane->rebuild.retry_at,
                                              lane->full_look };
    for (size_t i = 0; i < sizeof retries / sizeof retries[0]; i++) {
        if (retries[i].ns > now.ns && retries[i].ns < until.ns) until = retries[i];
    }
    struct monotonic_time worker = payer_next_look(lane);
    if (worker.ns < until.ns) until = worker;
    struct wall_time expiry = ledger_next_expiry(lane->ledger);
    bool expires = expiry.ns != 0 && !lane->expiry_paused && !lane->options.read_only;
    if (!expires || lane_writes_refused(lane) != STATUS_OK) return until;
    int64_t wait_ns = expiry.ns - clock_wall(lane->ports.clock).ns;
    if (wait_ns < NS_PER_MS) wait_ns = NS_PER_MS;
    if (wait_ns > NS_PER_S) wait_ns = NS_PER_S; /* the wall clock may step meanwhile */
    if (now.ns + wait_ns < until.ns) until.ns = now.ns + wait_ns;
    return until;
}

/* Under the monitor: whether something has come in since the last round that is worth one. */
static bool news(const struct lane *lane, const struct committer_seen *seen)
{
    if (lane->flush_state == HANDOVER_DONE || lane->job_state == HANDOVER_DONE) return true;
    if (lane->resume_expiry || lane->draining != seen->draining) return true;
    if (lane->condemned && !lane->status.damaged) return true;
    if (lane->disowned && !lane->status.fenced) return true;
    if (lane->catch_ups_wanted != seen->catch_ups_wanted) return true;
    return lane->submitted != seen->submitted && lane->queue.items >= lane->wake_items;
}

static bool drained(const struct lane *lane)
{
    bool idle = lane->flying == NULL && lane->building->batch.record_count == 0 &&
                lane->flush_state == HANDOVER_IDLE && lane->job_state == HANDOVER_IDLE;
    if (!idle || lane->queue.requests > 0) return false;
    /* A job that failed is not waited for: what it held is read again from the journal. */
    return indexes_caught_up(lane, UINT64_MAX) || lane->job.status != STATUS_OK || !usable(lane) ||
           lane->options.read_only || lane->rebuild.state == REBUILD_LOST;
}

bool committer_round(struct lane *lane, struct committer_seen *out_seen)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    out_seen->draining = lane->draining;
    out_seen->submitted = lane->submitted;
    out_seen->catch_ups_wanted = lane->catch_ups_wanted;
    if (lane->resume_expiry) {
        lane->expiry_paused = false;
        lane->status.expiry_paused = false;
        clock_watch_begin(&lane->clock_watch, lane->ports.clock);
        lane->resume_expiry = false;
    }
    lane->status.damaged = lane_is_damaged(lane);
    lane->status.fenced = lane_is_fenced(lane);
    sync->unlock(lane->monitor);
    return round_run(lane, out_seen->draining);
}

void committer_apply(void *argument)
{
    struct lane *lane = argument;
    struct sync *sync = lane->ports.sync;
    for (;;) {
        struct committer_seen seen;
        if (committer_round(lane, &seen)) continue;
        struct monotonic_time until = next_look(lane);
        sync->lock(lane->monitor);
        if (lane->draining && drained(lane)) {
            sync->unlock(lane->monitor);
            return;
        }
        if (!news(lane, &seen))
            (void)sync->wait(lane->monitor, until); /* everything is looked at again */
        sync->unlock(lane->monitor);
    }
}

void committer_flush(void *argument)
{
    struct lane *lane = argument;
    struct sync *sync = lane->ports.sync;
    struct store *store = lane->ports.store;
    while (doorbell_wait(sync, &lane->flush_bell)) {
        struct flight *flight = lane->flush_flight; /* ours until flush_state says done */
        int64_t begin_ns = clock_monotonic(lane->ports.clock).ns;
        flight->hash = digest_of(flight->batch.data, flight->batch.size);
        struct store_batch batch = {
            .epoch = lane->head.epoch,
            .sequence = flight->batch.sequence,
            .stamp = flight->batch.stamp,
            .hash = flight->hash,
            .data = flight->batch.data,
            .size = flight->batch.size,
            .slices = flight->slices,
            .slice_count = flight->slice_count,
        };
        struct error error = { 0 };
        enum status status = store->append(store, &batch, &error);
        int64_t end_ns = clock_monotonic(lane->ports.clock).ns;
        sync->lock(lane->monitor);
        lane->flush_ns = (uint64_t)(end_ns - begin_ns);
        lane->flush_status = status;
        lane->flush_error = error;
        lane->flush_state = HANDOVER_DONE;
        sync->unlock(lane->monitor);
        sync->wake_all(lane->monitor); /* it wants the monitor next */
    }
}

void committer_index(void *argument)
{
    struct lane *lane = argument;
    struct sync *sync = lane->ports.sync;
    while (doorbell_wait(sync, &lane->index_bell)) {
        index_job_run(&lane->job);
        sync->lock(lane->monitor);
        lane->job_state = HANDOVER_DONE;
        sync->wake_all(lane->monitor);
        sync->unlock(lane->monitor);
    }
}
