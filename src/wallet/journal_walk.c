#include "wallet/journal_walk.h"

#include "base/check.h"

void journal_walk_open(struct journal_walk *walk, struct store *store, uint32_t lane,
                       uint64_t after)
{
    *walk = (struct journal_walk){ .store = store, .lane = lane, .sequence = after };
    buf_init(&walk->blob, BATCH_SIZE_MAX);
}

void journal_walk_close(struct journal_walk *walk)
{
    if (walk->store != NULL) buf_free(&walk->blob);
    *walk = (struct journal_walk){ 0 };
}

static enum status header_check(const struct journal_walk *walk, const struct batch_header *header,
                                struct error *out_error)
{
    const char *fault = NULL;
    if (header->sequence != walk->sequence + 1) fault = "it bears another number";
    if (header->lane != walk->lane) fault = "it belongs to another lane";
    if (walk->previous_known && !digest_equal(&header->previous, &walk->previous)) {
        fault = "it does not follow the batch before it";
    }
    if (header->stamp.ns <= walk->stamp.ns) fault = "its stamp is not after the one before";
    if (fault == NULL) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal: %s",
                     (unsigned long long)walk->sequence + 1, fault);
}

enum status journal_walk_read(struct journal_walk *walk, struct batch_reader *out_reader,
                              struct error *out_error)
{
    CHECK(walk->store != NULL);
    buf_reset(&walk->blob);
    struct batch_reader reader;
    enum status status = walk->store->read(walk->store, walk->sequence + 1, &walk->blob, out_error);
    if (status == STATUS_NOT_FOUND) {
        return error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal is missing",
                         (unsigned long long)walk->sequence + 1);
    }
    if (status == STATUS_OK) status = batch_open(buf_view(&walk->blob), &reader, out_error);
    if (status == STATUS_OK) status = header_check(walk, reader.header, out_error);
    if (status == STATUS_OK) *out_reader = reader;
    return status;
}

void journal_walk_next(struct journal_walk *walk)
{
    const struct batch_header *header = (const struct batch_header *)walk->blob.data;
    CHECK(header->sequence == walk->sequence + 1);
    walk->sequence++;
    walk->stamp = header->stamp;
    walk->previous = digest_of(walk->blob.data, walk->blob.len);
    walk->previous_known = true;
}

bool journal_walk_ends_at(const struct journal_walk *walk, const struct digest *hash)
{
    return !walk->previous_known || digest_equal(&walk->previous, hash);
}
