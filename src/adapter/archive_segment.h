/* archive_segment.h - a file of old batches: whole, chained, sealed by a SHA-256 at its end. */
#ifndef ADAPTER_ARCHIVE_SEGMENT_H
#define ADAPTER_ARCHIVE_SEGMENT_H

#include "adapter/sqlite_journal.h"
#include "port/store.h"

/*
 * Header, the batches as they were, a table of them, a footer. A batch is found through the
 * table without reading the others. Never changed once it is sealed.
 */

/* "<archive>/<first>-<last>.segment", numbers of 16 digits, so that names sort by sequence. */
enum status archive_segment_path(const char *archive, const struct journal_archived *range,
                                 char out_path[SQLITE_PATH_SIZE], struct error *out_error)
    MUST_CHECK;

/* One at a time, by one thread: begin, add in order, seal; drop after any failure. */
struct archive_segment_writer;

/* previous: the hash of batch first - 1. A file left by an interrupted try is replaced. */
enum status archive_segment_begin(const char *archive, uint64_t first, uint64_t last,
                                  struct digest previous,
                                  struct archive_segment_writer **out_writer,
                                  struct error *out_error) MUST_CHECK;
/* STATUS_LIMIT: the disk is full. STATUS_UNAVAILABLE. */
enum status archive_segment_add(struct archive_segment_writer *writer,
                                const struct journal_batch *row, const void *data,
                                struct error *out_error) MUST_CHECK;
/*
 * Table and footer; synced, given its name, the folder synced; then read back whole and compared
 * with what was written. What the journal keeps of it goes to *out_archived.
 */
enum status archive_segment_seal(struct archive_segment_writer *writer,
                                 struct journal_archived *out_archived, struct error *out_error)
    MUST_CHECK;
/* Releases it, and removes the file unless it was sealed. Accepts NULL. */
void archive_segment_drop(struct archive_segment_writer *writer);

/*
 * Reading: STATUS_NOT_FOUND: the file is not there. STATUS_CORRUPT: it is damaged; both name
 * it. STATUS_UNAVAILABLE.
 */
enum status archive_segment_row(const char *archive, const struct journal_archived *range,
                                uint64_t sequence, struct journal_batch *out_row,
                                struct error *out_error) MUST_CHECK;
/* Appends the batch's bytes, verified. Also STATUS_LIMIT: out_blob is too small. */
enum status archive_segment_read(const char *archive, const struct journal_archived *range,
                                 uint64_t sequence, struct buf *out_blob, struct error *out_error)
    MUST_CHECK;
/* Bytes of a batch, not verified. STATUS_NOT_FOUND also when the batch is shorter. */
struct archive_part {
    uint64_t sequence;
    uint32_t offset;
    uint32_t size;
};
enum status archive_segment_part(const char *archive, const struct journal_archived *range,
                                 struct archive_part part, void *out_bytes, struct error *out_error)
    MUST_CHECK;
/* The whole file against the digest that the journal keeps of it. */
enum status archive_segment_verify(const char *archive, const struct journal_archived *range,
                                   struct error *out_error) MUST_CHECK;

#endif
