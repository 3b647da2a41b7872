/* batch.h - a batch of the journal: built record by record, and read back with suspicion. */
#ifndef WALLET_BATCH_H
#define WALLET_BATCH_H

#include "base/error.h"
#include "base/str.h"
#include "model/record.h"

/* ---- Building ---- */

/*
 * Room for BATCH_SIZE_MAX bytes, reserved once. Records are written in place: take room, fill
 * it, add it. One task at a time.
 */
struct batch {
    uint8_t *data;
    uint32_t size;
    uint32_t record_count;
    uint32_t unit_count;
    uint32_t context; /* offset of the newest context */
    uint64_t sequence;
    struct wall_time stamp;
};

enum {
    /* The longest record: what must still fit for a unit to be started. */
    BATCH_RECORD_SIZE_MAX = sizeof(struct record_payment),
    /* What an item of a request takes at most, its context aside; payments take several. */
    BATCH_ITEM_SIZE_MAX = 192,
};

enum status batch_new(struct batch *out_batch) MUST_CHECK;
void batch_free(struct batch *batch);

/* Empties it and writes its header; counts and the previous hash are filled by batch_seal(). */
void batch_begin(struct batch *batch, const struct batch_header *header);

/* Whether `items` more, each with a context of its own, would fit. */
bool batch_has_room(const struct batch *batch, uint32_t items);

/* Where the next record will be: 16-byte aligned, BATCH_RECORD_SIZE_MAX bytes, not cleared. */
void *batch_room(struct batch *batch);
struct locator batch_next_locator(const struct batch *batch);

/* Makes the record in the room part of the batch: fills size, unit, context and check. */
void batch_add(struct batch *batch, struct record_head *record, size_t size, uint32_t unit);
/* The same for a context: the records after it name it. */
void batch_add_context(struct batch *batch, const struct record_context *context);
/* What was added since the mark is taken out again; nothing may name it yet. */
struct batch_mark {
    uint32_t size;
    uint32_t record_count;
    uint32_t unit_count;
    uint32_t context;
};
struct batch_mark batch_mark(const struct batch *batch);
void batch_take_back(struct batch *batch, const struct batch_mark *mark);
/* After a record in the batch was changed in place. */
void batch_recheck(struct record_head *record);

/* Fills the header's size, counts, epoch, previous hash and check; the blob is data, size. */
void batch_seal(struct batch *batch, uint64_t epoch, const struct digest *previous);

/* ---- Reading ---- */

/* Of a header that was read apart from its batch: whether it is one, with the right check. */
bool batch_header_whole(const struct batch_header *header);

/* Low half of XXH3-64 over the record as if its check were zero. */
uint32_t record_check(const struct record_head *record);

/* Whether `size` bytes read from somewhere are a record of that size, with the right check. */
bool record_is_whole(const struct record_head *record, uint32_t size);

struct batch_reader {
    struct str blob;
    const struct batch_header *header;
    uint32_t at; /* offset of the next record */
    uint32_t seen;
};

/*
 * blob must be 16-byte aligned and stays the caller's. STATUS_CORRUPT, with what and where: not
 * a batch, another version (message names it), sizes that do not add up.
 */
enum status batch_open(struct str blob, struct batch_reader *out_reader, struct error *out_error)
    MUST_CHECK;

/*
 * The next record, checked: type, size, context and check. STATUS_NOT_FOUND at the end (the
 * count is then right too); STATUS_CORRUPT names the offset. The record stays in the blob.
 */
enum status batch_next(struct batch_reader *reader, const struct record_head **out_record,
                       struct error *out_error) MUST_CHECK;

/* Of the record batch_next() gave last. */
struct locator batch_locator(const struct batch_reader *reader, const struct record_head *record);

/* The right size of a record by its head, or 0 when there is no such record. */
uint32_t record_size(const struct record_head *head);

#endif
