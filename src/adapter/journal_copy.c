#include "adapter/journal_copy.h"

#include <string.h>

#include "base/limits.h"
#include "model/record.h"

enum status journal_copy_report(const struct journal_copy_progress *progress,
                                const struct journal_copy_result *result, uint64_t batches_total,
                                struct error *out_error)
{
    if (progress->report == NULL) return STATUS_OK;
    if (progress->report(progress->owner, result->batches, batches_total)) return STATUS_OK;
    return error_set(out_error, STATUS_STOPPED, "stopped after batch %llu",
                     (unsigned long long)result->head);
}

static enum status chain_broken(uint64_t sequence, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "batch %llu does not follow the one before",
                    (unsigned long long)sequence);
    error_detail(out_error, "the hash in its header is not that batch's");
    error_hint(out_error, "run `tpwallet check` on the source");
    return STATUS_CORRUPT;
}

enum status journal_copy_read(struct store *source, uint64_t sequence,
                              const struct digest *previous, struct buf *out_blob,
                              struct store_batch *out_batch, struct error *out_error)
{
    struct batch_header header;
    enum status status = source->read(source, sequence, out_blob, out_error);
    if (status != STATUS_OK) return status;
    if (out_blob->len < sizeof header) return chain_broken(sequence, out_error);
    memcpy(&header, out_blob->data, sizeof header);
    if (header.magic != BATCH_MAGIC || header.sequence != sequence ||
        !digest_equal(&header.previous, previous))
        return chain_broken(sequence, out_error);
    *out_batch = (struct store_batch){
        .sequence = sequence,
        .stamp = header.stamp,
        .hash = digest_of(out_blob->data, out_blob->len),
        .data = out_blob->data,
        .size = out_blob->len,
    };
    return STATUS_OK;
}

enum status journal_copy_begins(struct store *source, const struct store_head *source_head,
                                const struct store_head *target_head, struct error *out_error)
{
    const uint64_t sequence = target_head->sequence;
    if (sequence == 0) return STATUS_OK;
    bool longer = sequence > source_head->sequence;
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    if (!longer) {
        enum status status = source->read(source, sequence, &blob, out_error);
        if (status != STATUS_OK) return status;
        struct digest digest = digest_of(blob.data, blob.len);
        if (digest_equal(&digest, &target_head->hash)) return STATUS_OK;
    }
    (void)error_set(out_error, STATUS_CONFLICT, "it is no beginning of the journal");
    error_detail(out_error,
                 longer ? "it has %llu batches, the journal fewer"
                        : "batch %llu is another in each",
                 (unsigned long long)sequence);
    return STATUS_CONFLICT;
}
