/* postgres_journal.h - the rows of lane, batch and slice in PostgreSQL, and each row's mark. */
#ifndef ADAPTER_POSTGRES_JOURNAL_H
#define ADAPTER_POSTGRES_JOURNAL_H

#include "adapter/postgres_connection.h"
#include "port/store.h"

/* As in journal.db, every row carries a mark over its other columns; blobs have digests. */
enum { POSTGRES_SLICE_DIGEST_SIZE = 16 };

struct postgres_lane_row {
    struct store_head head;
    uint64_t writer;
};

struct postgres_batch_row {
    uint64_t sequence;
    struct wall_time stamp;
    uint64_t size;
    struct digest hash;
};

struct postgres_slice_row {
    struct store_slice slice; /* data is NULL */
    uint8_t digest[POSTGRES_SLICE_DIGEST_SIZE];
};

/* Parameters from $1: the lane. */
extern const struct postgres_statement POSTGRES_LANE_INSERT; /* what is there stays */
extern const struct postgres_statement POSTGRES_LANE_SELECT;
extern const struct postgres_statement POSTGRES_LANE_LOCK;   /* the same, and holds the row */
extern const struct postgres_statement POSTGRES_LANE_CLAIM;  /* see postgres_claim_bind() */
extern const struct postgres_statement POSTGRES_LANE_WRITER; /* and epoch; returns the writer */
/*
 * The first statement of a commit: moves the head, or fails (POSTGRES_STATE_FENCED): a mere
 * UPDATE that finds no row succeeds, and what follows it in the pipeline would be committed.
 */
extern const struct postgres_statement POSTGRES_LANE_MOVE;
extern const struct postgres_statement POSTGRES_BATCH_INSERT;
extern const struct postgres_statement POSTGRES_BATCH_SELECT; /* and sequence; row, then data */
extern const struct postgres_statement POSTGRES_BATCH_PART;   /* and sequence, offset + 1, size */
extern const struct postgres_statement
    POSTGRES_BATCH_STAMP; /* and stamp; the head's + 1 when there is none */
extern const struct postgres_statement POSTGRES_LEDGER_SELECT; /* its id, or no row */
extern const struct postgres_statement POSTGRES_LEDGER_INSERT; /* nothing when one is there */
extern const struct postgres_statement POSTGRES_LANES_SELECT;  /* how many, the furthest head */
extern const struct postgres_statement POSTGRES_NEWEST_SELECT; /* lane, and its newest batch */
extern const struct postgres_statement POSTGRES_SLICE_DELETE;  /* and table, generation, to */
extern const struct postgres_statement POSTGRES_SLICE_INSERT;
extern const struct postgres_statement POSTGRES_SLICE_LIST;
extern const struct postgres_statement POSTGRES_SLICE_SELECT; /* and table, generation, from */

/* Columns of a row; data follows at this index. */
enum { POSTGRES_LANE_COLUMNS = 6, POSTGRES_BATCH_DATA = 5, POSTGRES_SLICE_DATA = 8 };

void postgres_lane_bind(struct postgres_parameters *parameters, uint32_t lane,
                        const struct postgres_lane_row *row);
/* The head a batch makes, by this writer. */
void postgres_move_bind(struct postgres_parameters *parameters, uint32_t lane,
                        const struct store_batch *batch, uint64_t writer);
void postgres_batch_bind(struct postgres_parameters *parameters, uint32_t lane,
                         const struct store_batch *batch);
void postgres_slice_bind(struct postgres_parameters *parameters, uint32_t lane,
                         const struct postgres_slice_row *row, const void *data);

/* Of the row's columns from `column` on. STATUS_CORRUPT: they do not match the mark. */
enum status postgres_lane_read(const PGresult *result, uint32_t lane,
                               struct postgres_lane_row *out_row, struct error *out_error)
    MUST_CHECK;
enum status postgres_batch_read(const PGresult *result, int column, uint32_t lane,
                                struct postgres_batch_row *out_row, struct error *out_error)
    MUST_CHECK;
enum status postgres_slice_row_read(const PGresult *result, int row, uint32_t lane,
                                    struct postgres_slice_row *out_row, struct error *out_error)
    MUST_CHECK;
void postgres_slice_digest(const void *data, size_t size,
                           uint8_t out_digest[POSTGRES_SLICE_DIGEST_SIZE]);

#endif
