/* postgres_copy.h - rows in the binary form of PostgreSQL's COPY, column by column. */
#ifndef ADAPTER_POSTGRES_COPY_H
#define ADAPTER_POSTGRES_COPY_H

#include "base/buf.h"
#include "base/money.h"
#include "base/time.h"
#include "base/uuid.h"

/* Columns are added in the order of the table's; a row that does not fit sets buf.overflow. */
struct postgres_copy {
    struct buf buf;
    uint64_t rows;
};

void postgres_copy_init(struct postgres_copy *copy, size_t size_max);
/* Accepts a zeroed one. */
void postgres_copy_free(struct postgres_copy *copy);
/* Empties it, and begins anew. */
void postgres_copy_reset(struct postgres_copy *copy);

void postgres_copy_row(struct postgres_copy *copy, uint16_t columns);
void postgres_copy_null(struct postgres_copy *copy);
void postgres_copy_int32(struct postgres_copy *copy, int32_t number);
void postgres_copy_int64(struct postgres_copy *copy, int64_t number);
/* Without text: NULL. */
void postgres_copy_text(struct postgres_copy *copy, struct str text);
/* nil: NULL. */
void postgres_copy_uuid(struct postgres_copy *copy, struct uuid id);
/* As numeric, exactly. */
void postgres_copy_money(struct postgres_copy *copy, struct money amount);
/* As timestamptz, in microseconds; 0: NULL. */
void postgres_copy_time(struct postgres_copy *copy, struct wall_time time);
/* 0: NULL. */
void postgres_copy_date(struct postgres_copy *copy, struct business_date date);

/* Ends it; the whole is what COPY … FROM STDIN (FORMAT binary) takes. STATUS_LIMIT. */
enum status postgres_copy_end(struct postgres_copy *copy) MUST_CHECK;

#endif
