#include "wallet/follower.h"

#include "base/check.h"
#include "wallet/indexes.h"
#include "wallet/lane_task.h"
#include "wallet/rebuild.h"
#include "wallet/recovery.h"

enum { READ_MS_MAX = 100 }; /* of one call, so that its caller sees the lease in between */

/* A walk that goes on where memory stands, and knows what must follow. */
static void walk_open(struct lane *lane, struct journal_walk *walk)
{
    journal_walk_open(walk, lane->ports.store, lane->options.number, lane->head.sequence);
    walk->previous = lane->head.hash;
    walk->previous_known = lane->head.sequence > 0;
    walk->stamp = lane->head.stamp;
}

/* One batch into memory; there is room for it. Whoever looks at the ledger sees all of it, or none. */
static enum status batch_enter(struct lane *lane, struct journal_walk *walk,
                               struct batch_reader *reader, struct error *out_error)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->followed);
    enum status status = recovery_follow(lane, reader, out_error);
    if (status == STATUS_OK) {
        journal_walk_next(walk);
        if (lane->rebuild.state == REBUILD_NONE) indexes_reach(lane, journal_walk_point(walk));
        lane->head.sequence = walk->sequence;
        lane->head.hash = walk->previous;
        lane->head.stamp = walk->stamp;
        lane->next_sequence = walk->sequence + 1;
    } else {
        lane->whole = false; /* some of it may be in */
    }
    sync->unlock(lane->followed);
    return status;
}

static enum status batch_take(struct lane *lane, struct journal_walk *walk, struct error *out_error)
{
    struct batch_reader reader;
    enum status status = journal_walk_read(walk, &reader, out_error);
    return status == STATUS_OK ? batch_enter(lane, walk, &reader, out_error) : status;
}

/* The ledger has everything up to the head that was read after `at`. */
static void whole_note(struct lane *lane, struct monotonic_time at)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->followed);
    lane->whole = true;
    lane->whole_at = at;
    sync->unlock(lane->followed);
}

static void head_publish(struct lane *lane)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    lane->status.head = lane->head;
    sync->unlock(lane->monitor);
}

/* Whether the next batch finds room in the indexes; a job that makes some is handed out. */
static bool room_made(struct lane *lane)
{
    if (indexes_ready(lane, 0)) return true;
    (void)indexes_exchange(lane); /* whether it did anything shows in the next line */
    return indexes_ready(lane, 0);
}

static enum status walk_follow(struct lane *lane, struct journal_walk *walk, uint64_t head,
                               struct error *out_error)
{
    struct monotonic_time until = lane_in_ms(lane, READ_MS_MAX);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && walk->sequence < head) {
        if (clock_monotonic(lane->ports.clock).ns >= until.ns || !room_made(lane)) break;
        status = batch_take(lane, walk, out_error);
    }
    return status;
}

enum status follower_read(struct lane *lane, uint64_t *out_left, struct error *out_error)
{
    struct store *store = lane->ports.store;
    struct store_head head;
    struct monotonic_time began = clock_monotonic(lane->ports.clock);
    enum status status = store->head(store, &head, out_error);
    if (status != STATUS_OK) return status;
    if (head.sequence <= lane->head.sequence) { /* else the next batch tells */
        status = journal_verify(store, &head, store_head_point(&lane->head), out_error);
    }
    if (status != STATUS_OK) return status;
    struct journal_walk walk;
    walk_open(lane, &walk);
    status = walk_follow(lane, &walk, head.sequence, out_error);
    journal_walk_close(&walk);
    lane->head.epoch = head.epoch;
    head_publish(lane);
    if (status != STATUS_OK) return status;
    if (lane->head.sequence == head.sequence) whole_note(lane, began);
    (void)rebuild_round(lane, false); /* what is left of it is for the next call */
    (void)indexes_exchange(lane);     /* as above */
    uint64_t reached = indexes_covered(lane);
    *out_left = head.sequence - (reached < lane->head.sequence ? reached : lane->head.sequence);
    return STATUS_OK;
}

/* What the former owner appended before it was fenced off; nothing comes behind it any more. */
static enum status rest_take(struct lane *lane, const struct store_head *claimed,
                             struct error *out_error)
{
    struct journal_walk walk;
    walk_open(lane, &walk);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && walk.sequence < claimed->sequence) {
        status = rebuild_make_room(lane, out_error);
        if (status == STATUS_OK) status = batch_take(lane, &walk, out_error);
    }
    journal_walk_close(&walk);
    if (status != STATUS_OK) return status;
    bool same =
        lane->head.sequence == claimed->sequence && digest_equal(&lane->head.hash, &claimed->hash);
    if (same) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the last batch is not the one at the head");
}

enum status follower_take_over(struct lane *lane, struct error *out_error)
{
    CHECK(lane->flying == NULL);
    struct store *store = lane->ports.store;
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->followed);
    lane->whole = false; /* it is an owner's from here on */
    sync->unlock(lane->followed);
    struct store_head claimed;
    enum status status = store->claim(store, &claimed, out_error);
    if (status != STATUS_OK) return status;
    indexes_job_wait(lane); /* rebuild_make_room() runs jobs here */
    status = rest_take(lane, &claimed, out_error);
    if (status == STATUS_OK) status = recovery_derive(lane, out_error);
    if (status == STATUS_OK) status = recovery_sweep(lane, out_error);
    if (status != STATUS_OK) return status;
    lane->head = claimed;
    head_publish(lane);
    return STATUS_OK;
}
