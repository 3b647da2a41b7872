/* A position names a unit; its records lie together, behind the ones before in the batch. */
#include "wallet/journal_feed.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "wallet/batch.h"
#include "wallet/event.h"

struct journal_feed {
    struct event_feed port; /* first, so that the port's pointer is this struct's */
    struct lane *lane;
    struct store *store;
    struct sync *sync;
    struct monitor *monitor; /* guards the rest */
    const char *source;
    struct buf blob;   /* of the batch read last, whole */
    uint64_t sequence; /* its number; 0: none */
    uint32_t at;       /* offset in it of the first record of unit `unit` */
    uint32_t unit;
    bool nothing; /* the last call found nothing behind nothing_after, up to where it stands */
    struct position nothing_after;
    struct event_unit parts; /* of the unit at hand */
};

static bool asset_find(void *context, uint32_t id, struct asset *out_asset)
{
    return lane_asset_by_id(context, id, out_asset) == STATUS_OK;
}

static enum status batch_take(struct journal_feed *feed, uint64_t sequence, struct error *out_error)
{
    if (feed->sequence == sequence) return STATUS_OK;
    feed->sequence = 0;
    buf_reset(&feed->blob);
    enum status status = feed->store->read(feed->store, sequence, &feed->blob, out_error);
    if (status == STATUS_NOT_FOUND) {
        return error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal is missing",
                         (unsigned long long)sequence);
    }
    if (status != STATUS_OK) return status;
    feed->sequence = sequence;
    feed->at = sizeof(struct batch_header);
    feed->unit = 0;
    return STATUS_OK;
}

/* Gathers the unit that begins at feed->at and moves behind it; false: the batch is over. */
static enum status unit_take(struct journal_feed *feed, bool *out_there, struct error *out_error)
{
    struct batch_reader reader;
    enum status status = batch_open(buf_view(&feed->blob), &reader, out_error);
    if (status != STATUS_OK) return status;
    reader.at = feed->at;
    memset(&feed->parts, 0, sizeof feed->parts);
    *out_there = false;
    while (reader.at < reader.blob.len) {
        uint32_t before = reader.at;
        const struct record_head *record;
        status = batch_next(&reader, &record, out_error);
        if (status != STATUS_OK) return status;
        if (record->type == RECORD_CONTEXT) continue;
        if (*out_there && record->unit != feed->unit) {
            reader.at = before;
            break;
        }
        feed->unit = record->unit;
        *out_there = true;
        const void *context = reader.blob.data + record->context;
        event_unit_add(&feed->parts, context, record);
    }
    feed->at = reader.at;
    return STATUS_OK;
}

/* The first event of the batch behind `after`; STATUS_NOT_FOUND: there is none. */
static enum status event_in_batch(struct journal_feed *feed, struct position after,
                                  struct buf *memory, struct feed_event *out_event,
                                  struct error *out_error)
{
    const struct batch_header *header = (const struct batch_header *)feed->blob.data;
    const struct event_assets assets = { asset_find, feed->lane };
    for (;;) {
        bool there;
        enum status status = unit_take(feed, &there, out_error);
        if (status != STATUS_OK) return status;
        if (!there) return STATUS_NOT_FOUND;
        struct position position = { feed->sequence, feed->unit };
        if (position_compare(position, after) <= 0) continue;
        if (!event_write(&feed->parts, position, header->stamp, &assets, memory, out_event)) {
            continue;
        }
        out_event->source = str_from(feed->source);
        if (buf_status(memory) == STATUS_OK) return STATUS_OK;
        return error_set(out_error, STATUS_LIMIT, "the event of %llu-%u is too large",
                         (unsigned long long)position.batch, position.index);
    }
}

static enum status next_locked(struct journal_feed *feed, struct position after, struct buf *memory,
                               struct feed_event *out_event, struct error *out_error)
{
    struct lane_status lane_status;
    lane_get_status(feed->lane, &lane_status);
    uint64_t head = lane_status.head.sequence;
    uint64_t sequence = after.batch == 0 ? 1 : after.batch;
    /* Asked for what was passed: from the batch's start again. */
    bool begun = feed->sequence == sequence && feed->at > sizeof(struct batch_header);
    bool behind = begun && (after.batch != sequence || feed->unit > after.index);
    bool idle = feed->nothing && position_compare(feed->nothing_after, after) == 0;
    if (behind && !idle) feed->sequence = 0;
    if (idle && feed->sequence > sequence) sequence = feed->sequence;
    feed->nothing = false;
    for (; sequence <= head; sequence++) {
        enum status status = batch_take(feed, sequence, out_error);
        if (status != STATUS_OK) return status;
        status = event_in_batch(feed, after, memory, out_event, out_error);
        if (status != STATUS_NOT_FOUND) return status;
    }
    feed->nothing = true;
    feed->nothing_after = after;
    return STATUS_NOT_FOUND;
}

static enum status feed_next(struct event_feed *port, struct position after, struct buf *memory,
                             struct feed_event *out_event, struct error *out_error)
{
    struct journal_feed *feed = (struct journal_feed *)port;
    CHECK(memory->size_max >= EVENT_SIZE_MAX);
    feed->sync->lock(feed->monitor);
    enum status status = next_locked(feed, after, memory, out_event, out_error);
    feed->sync->unlock(feed->monitor);
    return status;
}

enum status journal_feed_new(struct lane *lane, struct store *store, struct sync *sync,
                             const char *source, struct journal_feed **out_feed)
{
    struct journal_feed *feed = reserve_new(sizeof *feed);
    if (feed == NULL) return STATUS_LIMIT;
    feed->port.next = feed_next;
    feed->lane = lane;
    feed->store = store;
    feed->sync = sync;
    feed->source = source;
    feed->monitor = sync->monitor_new(sync, "feed");
    buf_init(&feed->blob, BATCH_SIZE_MAX);
    *out_feed = feed;
    return STATUS_OK;
}

void journal_feed_free(struct journal_feed *feed)
{
    if (feed == NULL) return;
    feed->sync->monitor_free(feed->monitor);
    buf_free(&feed->blob);
    reserve_free(feed, sizeof *feed);
}

struct event_feed *journal_feed_port(struct journal_feed *feed)
{
    return &feed->port;
}
