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

struct store_point journal_walk_point(const struct journal_walk *walk)
{
    CHECK(walk->previous_known);
    return (struct store_point){ walk->sequence, walk->previous };
}

bool journal_walk_ends_at(const struct journal_walk *walk, const struct digest *hash)
{
    return !walk->previous_known || digest_equal(&walk->previous, hash);
}

/* What follows a batch bears its hash: no need to read all of it, nor to have it any more. */
enum status journal_has(struct store *store, const struct store_head *head,
                        struct store_point point, const char **out_why, struct error *out_error)
{
    struct batch_header next;
    struct digest found = head->hash;
    *out_why = NULL;
    if (point.batch > head->sequence) *out_why = "the journal ends before it";
    if (point.batch == 0 || *out_why != NULL) return STATUS_OK;
    if (point.batch < head->sequence) {
        enum status status =
            store->read_part(store, point.batch + 1, 0, sizeof next, &next, out_error);
        bool whole = status == STATUS_OK && batch_header_whole(&next);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !whole)) {
            *out_why = "the journal's next batch cannot be read";
            return STATUS_OK;
        }
        if (status != STATUS_OK) return status;
        found = next.previous;
    }
    if (!digest_equal(&found, &point.hash)) *out_why = "the journal has another batch there";
    return STATUS_OK;
}

enum status journal_verify(struct store *store, const struct store_head *head,
                           struct store_point point, struct error *out_error)
{
    const char *why;
    enum status status = journal_has(store, head, point, &why, out_error);
    if (status != STATUS_OK || why == NULL) return status;
    (void)error_set(out_error, STATUS_CORRUPT, "the journal was taken back to an earlier state");
    error_detail(out_error, "memory is of batch %llu, and %s; the journal's head is batch %llu",
                 (unsigned long long)point.batch, why, (unsigned long long)head->sequence);
    error_hint(out_error, "was the database restored? see docs/operating.md");
    return STATUS_CORRUPT;
}
