/* journal_copy.h - what backups and moves share: a journal read batch by batch, each on the one before. */
#ifndef ADAPTER_JOURNAL_COPY_H
#define ADAPTER_JOURNAL_COPY_H

#include "port/store.h"

/* How far a copy is: after each page of batches. */
struct journal_copy_progress {
    bool (*report)(void *owner, uint64_t batches_done, uint64_t batches_total); /* false: stop */
    void *owner;
};

struct journal_copy_result {
    uint64_t batches; /* copied now */
    uint64_t bytes;
    uint64_t head;  /* the newest batch in the target */
    uint64_t epoch; /* by which the target was claimed; 0: it has no owners */
};

/* A report is NULL when nobody looks. STATUS_STOPPED: it said so. */
enum status journal_copy_report(const struct journal_copy_progress *progress,
                                const struct journal_copy_result *result, uint64_t batches_total,
                                struct error *out_error) MUST_CHECK;

/*
 * The batch of a store, as it was appended but for its epoch and slices, which are not in it. Its
 * bytes stand in out_blob, whose contents are replaced. STATUS_CORRUPT: it does not follow a batch
 * with the hash *previous. Else as store->read().
 */
enum status journal_copy_read(struct store *source, uint64_t sequence,
                              const struct digest *previous, struct buf *out_blob,
                              struct store_batch *out_batch, struct error *out_error) MUST_CHECK;

/*
 * That what a target has, by its head, is a beginning of the source, or all of it. STATUS_CONFLICT:
 * it is of another journal, or longer; the caller says which two those are. Else as store->read().
 */
enum status journal_copy_begins(struct store *source, const struct store_head *source_head,
                                const struct store_head *target_head, struct error *out_error)
    MUST_CHECK;

#endif
