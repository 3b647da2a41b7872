/* sqlite_read.h - reading the journal beside its writer: a few connections, short snapshots. */
#ifndef ADAPTER_SQLITE_READ_H
#define ADAPTER_SQLITE_READ_H

#include <pthread.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_journal.h"
#include "port/store.h"

enum { SQLITE_READERS = 4 }; /* reads at once; more wait for a connection */

struct sqlite_reader {
    sqlite3 *db;
    sqlite3_stmt *lane;
    sqlite3_stmt *batch;
    sqlite3_stmt *first; /* batch of the table */
    sqlite3_stmt *slices;
    sqlite3_stmt *slice;
    sqlite3_stmt *archived;
    bool busy;
};

/*
 * Calls by any thread. No snapshot lives longer than a call. Batches that are not in the table
 * are looked for in the segments of `archive`, a folder.
 */
struct sqlite_read {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    struct sqlite_reader readers[SQLITE_READERS];
    char path[SQLITE_PATH_SIZE];
    char archive[SQLITE_PATH_SIZE];
    bool open;
};

/* STATUS_CORRUPT, STATUS_UNAVAILABLE. options->path is copied. */
enum status sqlite_read_open(struct sqlite_read *read,
                             const struct sqlite_connection_options *options, const char *archive,
                             struct error *out_error) MUST_CHECK;
/* Waits for the calls under way. Accepts a zeroed struct. */
void sqlite_read_close(struct sqlite_read *read);

/* The calls of port/store.h of the same names. */
enum status sqlite_read_head(struct sqlite_read *read, struct store_head *out_head,
                             struct error *out_error) MUST_CHECK;
enum status sqlite_read_batch(struct sqlite_read *read, uint64_t sequence, struct buf *out_blob,
                              struct error *out_error) MUST_CHECK;
/* The row as stored, from the table or its segment. */
enum status sqlite_read_row(struct sqlite_read *read, uint64_t sequence,
                            struct journal_batch *out_row, struct error *out_error) MUST_CHECK;
struct sqlite_range {
    uint32_t offset;
    uint32_t size;
};
enum status sqlite_read_part(struct sqlite_read *read, uint64_t sequence, struct sqlite_range range,
                             void *out_bytes, struct error *out_error) MUST_CHECK;
enum status sqlite_read_find_stamp(struct sqlite_read *read, struct wall_time stamp,
                                   uint64_t *out_sequence, struct error *out_error) MUST_CHECK;
enum status sqlite_read_slices(struct sqlite_read *read, struct buf *out_slices,
                               struct error *out_error) MUST_CHECK;
enum status sqlite_read_slice(struct sqlite_read *read, const struct store_slice *slice,
                              struct buf *out_data, struct error *out_error) MUST_CHECK;

/* The first batch of the table; the head's + 1 when it has none. */
enum status sqlite_read_first(struct sqlite_read *read, uint64_t *out_sequence,
                              struct error *out_error) MUST_CHECK;
/* The segment row that covers a batch. STATUS_NOT_FOUND. */
enum status sqlite_read_archived(struct sqlite_read *read, uint64_t sequence,
                                 struct journal_archived *out_row, struct error *out_error)
    MUST_CHECK;

/*
 * SQLite's own look at the whole file: PRAGMA integrity_check. STATUS_CORRUPT with its first
 * finding. Takes as long as reading the file; one snapshot meanwhile.
 */
enum status sqlite_read_integrity(struct sqlite_read *read, struct error *out_error) MUST_CHECK;

#endif
