/* sqlite_journal.h - the tables of journal.db: their schema, their rows, and each row's mark. */
#ifndef ADAPTER_SQLITE_JOURNAL_H
#define ADAPTER_SQLITE_JOURNAL_H

#include "adapter/sqlite_connection.h"
#include "base/uuid.h"
#include "port/store.h"

/*
 * Every row carries a mark: XXH3-64 over its other columns, so that a flipped bit in a number
 * is found when the row is read. Blobs have their own digests (SHA-256 of a batch, XXH3-128 of
 * a slice), which the mark covers too.
 */
enum {
    JOURNAL_APPLICATION_ID = 0x7457414a, /* "JAWt" in the file's header, at 68 */
    JOURNAL_VERSION = 1,                 /* PRAGMA user_version */
    JOURNAL_SLICE_DIGEST_SIZE = 16,
    JOURNAL_META_READ_ONLY = 1, /* not 0: claim and append are denied until told otherwise */
    JOURNAL_META_LEDGER_HI =
        2, /* the halves of the ledger's id; absent: made before there were ids */
    JOURNAL_META_LEDGER_LO = 3,
};

struct journal_batch {
    uint64_t sequence;
    struct wall_time stamp;
    uint64_t size;
    struct digest hash;
};

struct journal_slice {
    struct store_slice slice; /* data is NULL */
    uint8_t digest[JOURNAL_SLICE_DIGEST_SIZE];
};

/* Batches [first, last] that stand in a segment file and no longer in the table. */
struct journal_archived {
    uint64_t first;
    uint64_t last;
    struct wall_time first_stamp;
    struct wall_time last_stamp;
    uint64_t size;        /* of the file, in bytes */
    struct digest digest; /* SHA-256 of the file up to its footer */
};

/* The SQL that others prepare: columns in the order the calls below bind and read them. */
extern const char JOURNAL_LANE_SELECT[];
extern const char JOURNAL_LANE_UPDATE[];  /* guarded by epoch and sequence - 1 */
extern const char JOURNAL_BATCH_INSERT[]; /* row, then data */
extern const char JOURNAL_BATCH_SELECT[]; /* by sequence, without data */
extern const char JOURNAL_SLICE_INSERT[]; /* row, then data */
extern const char JOURNAL_SLICE_DELETE[]; /* table, generations below, up to `to` */
extern const char JOURNAL_SLICE_LIST[];
extern const char JOURNAL_SLICE_SELECT[];    /* by table, generation, from; row, then data */
extern const char JOURNAL_ARCHIVED_SELECT[]; /* the newest with first <= ?1 */
extern const char JOURNAL_ARCHIVED_INSERT[];

/* Columns of a row; data follows at this index. */
enum { JOURNAL_BATCH_DATA = 5, JOURNAL_SLICE_DATA = 8 };

/*
 * Makes the tables in an empty file, durably: an empty journal of this ledger (nil: of none yet),
 * epoch 0. With a page map, so
 * that a part of a large batch is found without walking through the pages before it (a record
 * of a 1 MiB batch: 23 us instead of 145), and so that space can be given back.
 * STATUS_UNAVAILABLE, STATUS_LIMIT.
 */
enum status journal_create(const struct sqlite_connection_options *options, struct uuid ledger,
                           struct error *out_error) MUST_CHECK;

/*
 * That the file is ours, of a version we know, with exactly our tables. STATUS_CORRUPT,
 * STATUS_INVALID (a newer version, or another program's file), STATUS_UNAVAILABLE.
 */
enum status journal_verify_schema(sqlite3 *db, struct error *out_error) MUST_CHECK;

/* Steps JOURNAL_LANE_SELECT and verifies the row. STATUS_CORRUPT, STATUS_UNAVAILABLE. */
enum status journal_lane_read(sqlite3_stmt *select, struct store_head *out_head,
                              struct error *out_error) MUST_CHECK;
/* Binds JOURNAL_LANE_UPDATE: the new head, and the epoch and sequence that must stand now. */
void journal_lane_bind(sqlite3_stmt *update, const struct store_head *head, uint64_t expected_epoch,
                       uint64_t expected_sequence);

/* The blobs bound must stay until the statement was stepped. */
void journal_batch_bind(sqlite3_stmt *insert, const struct journal_batch *row, const void *data);
/* Of a row just stepped. STATUS_CORRUPT names the batch. */
enum status journal_batch_read(sqlite3_stmt *select, uint64_t sequence,
                               struct journal_batch *out_row, struct error *out_error) MUST_CHECK;

void journal_slice_bind(sqlite3_stmt *insert, const struct journal_slice *row, const void *data);
enum status journal_slice_read(sqlite3_stmt *select, struct journal_slice *out_row,
                               struct error *out_error) MUST_CHECK;
void journal_slice_digest(const void *data, size_t size,
                          uint8_t out_digest[JOURNAL_SLICE_DIGEST_SIZE]);

void journal_archived_bind(sqlite3_stmt *insert, const struct journal_archived *row);
enum status journal_archived_read(sqlite3_stmt *select, struct journal_archived *out_row,
                                  struct error *out_error) MUST_CHECK;

/* A number of the table meta, by JOURNAL_META_*. STATUS_CORRUPT, STATUS_UNAVAILABLE. */
enum status journal_meta_get(sqlite3 *db, uint32_t name, int64_t *out_value,
                             struct error *out_error) MUST_CHECK;
enum status journal_meta_set(sqlite3 *db, uint32_t name, int64_t value, struct error *out_error)
    MUST_CHECK;

/* The ledger's id; nil: it has none yet. As above; two commands, for a transaction of the caller's. */
enum status journal_ledger_get(sqlite3 *db, struct uuid *out_ledger, struct error *out_error)
    MUST_CHECK;
enum status journal_ledger_set(sqlite3 *db, struct uuid ledger, struct error *out_error) MUST_CHECK;

#endif
