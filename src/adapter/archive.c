#include "adapter/archive.h"

#include <string.h>

#include "adapter/archive_segment.h"
#include "adapter/sqlite_store.h"
#include "base/check.h"
#include "base/limits.h"

enum { SEGMENT_SIZE_DEFAULT = 64 << 20, SEGMENT_BATCHES_DEFAULT = 65536, LIST_SIZE_MAX = 64 << 20 };

/* The newest batch that no start needs: the oldest slice's. 0 when there are no slices. */
static enum status newest_unneeded(struct store *store, uint64_t *out_sequence,
                                   struct error *out_error)
{
    struct buf list;
    buf_init(&list, LIST_SIZE_MAX);
    enum status status = store->slice_list(store, &list, out_error);
    uint64_t oldest = 0;
    for (size_t at = 0; status == STATUS_OK && at < list.len; at += sizeof(struct store_slice)) {
        struct store_slice slice;
        memcpy(&slice, list.data + at, sizeof slice);
        if (oldest == 0 || slice.at_batch < oldest) oldest = slice.at_batch;
    }
    buf_free(&list);
    if (status == STATUS_OK) *out_sequence = oldest;
    return status;
}

/* How far one segment goes from `first` on, at most to `limit`. */
static enum status segment_end(struct store *store, const struct archive_options *options,
                               uint64_t first, uint64_t limit, uint64_t *out_last,
                               struct error *out_error)
{
    uint64_t size = 0;
    uint64_t last = first;
    for (uint64_t sequence = first; sequence <= limit; sequence++) {
        struct journal_batch row;
        enum status status = sqlite_store_row(store, sequence, &row, out_error);
        if (status != STATUS_OK) return status;
        size += row.size;
        if (sequence > first && (size > options->segment_size_max ||
                                 sequence - first >= options->segment_batches_max)) {
            break;
        }
        last = sequence;
    }
    *out_last = last;
    return STATUS_OK;
}

static enum status add_batches(struct store *store, struct archive_segment_writer *writer,
                               uint64_t first, uint64_t last, struct error *out_error)
{
    struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    enum status status = STATUS_OK;
    for (uint64_t sequence = first; status == STATUS_OK && sequence <= last; sequence++) {
        struct journal_batch row;
        status = sqlite_store_row(store, sequence, &row, out_error);
        if (status == STATUS_OK) status = store->read(store, sequence, &blob, out_error);
        if (status == STATUS_OK) status = archive_segment_add(writer, &row, blob.data, out_error);
    }
    buf_free(&blob);
    return status;
}

static enum status write_segment(struct store *store, uint64_t first, uint64_t last,
                                 struct journal_archived *out_archived, struct error *out_error)
{
    struct journal_batch before = { 0 };
    struct archive_segment_writer *writer = NULL;
    enum status status = STATUS_OK;
    if (first > 1) status = sqlite_store_row(store, first - 1, &before, out_error);
    if (status == STATUS_OK) {
        status = archive_segment_begin(sqlite_store_archive(store), first, last, before.hash,
                                       &writer, out_error);
    }
    if (status == STATUS_OK) status = add_batches(store, writer, first, last, out_error);
    if (status == STATUS_OK) status = archive_segment_seal(writer, out_archived, out_error);
    archive_segment_drop(writer);
    return status;
}

enum status archive_run(struct store *store, const struct archive_options *options,
                        struct archive_result *out_result, struct error *out_error)
{
    CHECK(options->keep_batches >= 1);
    struct archive_options own = *options;
    if (own.segment_size_max == 0) own.segment_size_max = SEGMENT_SIZE_DEFAULT;
    if (own.segment_batches_max == 0) own.segment_batches_max = SEGMENT_BATCHES_DEFAULT;
    *out_result = (struct archive_result){ 0 };
    struct store_head head;
    uint64_t limit = 0;
    uint64_t first = 0;
    enum status status = store->head(store, &head, out_error);
    if (status == STATUS_OK) status = newest_unneeded(store, &limit, out_error);
    if (status == STATUS_OK) status = sqlite_store_first(store, &first, out_error);
    if (status != STATUS_OK) return status;
    uint64_t kept_from = head.sequence > own.keep_batches ? head.sequence - own.keep_batches : 0;
    if (limit > kept_from) limit = kept_from;
    while (status == STATUS_OK && first <= limit) {
        uint64_t last = 0;
        struct journal_archived archived = { 0 };
        status = segment_end(store, &own, first, limit, &last, out_error);
        if (status == STATUS_OK) status = write_segment(store, first, last, &archived, out_error);
        if (status == STATUS_OK) status = sqlite_store_take_out(store, &archived, out_error);
        if (status != STATUS_OK) break;
        out_result->segments++;
        out_result->batches += last - first + 1;
        out_result->bytes += archived.size;
        first = last + 1;
    }
    return status;
}

enum status archive_verify(struct store *store, uint64_t *out_segments, struct error *out_error)
{
    uint64_t first = 0;
    uint64_t segments = 0;
    enum status status = sqlite_store_first(store, &first, out_error);
    for (uint64_t sequence = 1; status == STATUS_OK && sequence < first;) {
        struct journal_archived range;
        status = sqlite_store_archived(store, sequence, &range, out_error);
        if (status == STATUS_OK) {
            status = archive_segment_verify(sqlite_store_archive(store), &range, out_error);
        }
        if (status != STATUS_OK) break;
        segments++;
        sequence = range.last + 1;
    }
    *out_segments = segments;
    return status;
}
