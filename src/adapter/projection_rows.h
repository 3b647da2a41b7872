/* projection_rows.h - the records of batches as rows of the typed tables in PostgreSQL. */
#ifndef ADAPTER_PROJECTION_ROWS_H
#define ADAPTER_PROJECTION_ROWS_H

#include "adapter/postgres_copy.h"
#include "model/asset.h"
#include "wallet/batch.h"

enum {
    PROJECTION_ASSETS_MAX = ASSETS_CUSTOM_MAX + 512, /* custom ones, and ISO's that are used */
    PROJECTION_ACCOUNT_COLUMNS = 13,
    PROJECTION_TRANSFER_COLUMNS = 22,
    PROJECTION_EVENT_COLUMNS = 33,
};

struct projection_change {
    struct account_id account;
    uint16_t set;
    uint16_t clear;
};

/* Rows of one or more batches, in the order of the journal. */
struct projection_rows {
    uint32_t lane;
    struct postgres_copy accounts; /* without balances: zeroes */
    struct postgres_copy transfers;
    struct postgres_copy events; /* of payments */
    struct buf changes;          /* of struct projection_change */
    uint32_t asset_count;
    uint32_t assets_new; /* of them, the last so many came with these rows */
    struct asset assets[PROJECTION_ASSETS_MAX];
};

/* size_max: of each of the three kinds of rows, in bytes. */
void projection_rows_init(struct projection_rows *rows, uint32_t lane, size_t size_max);
/* Accepts a zeroed one. */
void projection_rows_free(struct projection_rows *rows);
/* Empties it; assets stay known. */
void projection_rows_reset(struct projection_rows *rows);
/* An asset that is in the table already. STATUS_LIMIT. */
enum status projection_rows_know(struct projection_rows *rows, const struct asset *asset)
    MUST_CHECK;

/* STATUS_CORRUPT: as batch_next(). STATUS_LIMIT: the rows do not fit; none of the batch is in. */
enum status projection_rows_add(struct projection_rows *rows, struct batch_reader *reader,
                                struct error *out_error) MUST_CHECK;

#endif
