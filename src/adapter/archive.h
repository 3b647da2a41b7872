/* archive.h - moves old batches out of journal.db into segment files, from which they are read. */
#ifndef ADAPTER_ARCHIVE_H
#define ADAPTER_ARCHIVE_H

#include "port/store.h"

/*
 * Never moved: the newest keep_batches, and what is needed to start (batches newer than the
 * oldest slice of the checkpoint; without slices that is all of them). A segment is written,
 * synced, given its name and verified by reading it back; only then does one commit of the
 * journal take its batches out and note the segment. A failure between leaves a file that the
 * next try replaces.
 */
struct archive_options {
    uint64_t keep_batches;        /* at least 1 */
    uint64_t segment_size_max;    /* bytes; 0: 64 MiB. A segment holds at least one batch */
    uint64_t segment_batches_max; /* 0: 65,536 */
};

struct archive_result {
    uint64_t segments;
    uint64_t batches;
    uint64_t bytes; /* of the segments */
};

/*
 * On a store that sqlite_store_open() made, as owner; beside appends, which wait while a
 * segment's batches are taken out (some 10 ms). *out_result also tells what was done before a
 * failure. STATUS_LIMIT: the disk is full; STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_DENIED
 * (read-only).
 */
enum status archive_run(struct store *store, const struct archive_options *options,
                        struct archive_result *out_result, struct error *out_error) MUST_CHECK;

/*
 * Every segment that the journal names, whole, against its SHA-256; the chain of the batches is
 * for their reader to check. STATUS_NOT_FOUND and STATUS_CORRUPT name the file.
 */
enum status archive_verify(struct store *store, uint64_t *out_segments, struct error *out_error)
    MUST_CHECK;

#endif
