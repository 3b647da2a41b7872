/* table_stage.h - the tables of somebody's ledger in a scratch SQLite, asked by a mapping's queries. */
#ifndef ADAPTER_TABLE_STAGE_H
#define ADAPTER_TABLE_STAGE_H

#include "doctor/table_mapping.h"
#include "port/evidence.h"

/*
 *     table_stage_open(&mapping, &stage, &error);
 *     for each row of the source: table_stage_row(stage, table, cells, &error);
 *     table_stage_ready(stage, &error);
 *     for each record of the mapping: table_stage_query(stage, record, &visitor, &error);
 *
 * Rows live in a file without a name, so that memory is bounded by the cache. Queries only read,
 * and may call minor(decimal, asset): in minor units, an error when the asset has no decimals that
 * anybody knows or the amount has more; rescale(units, precision, asset): of so many units to one;
 * asset_code('USD/2'): the code when those are its decimals, else all of it; refuse(text), which is
 * an error; and msum() and its kin of docs/doctor_rules.md.
 */
struct table_stage;

/* The mapping must outlive it. STATUS_LIMIT, STATUS_UNAVAILABLE. */
enum status table_stage_open(const struct table_mapping *mapping, struct table_stage **out_stage,
                             struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void table_stage_close(struct table_stage *stage);

/*
 * A row of the table at that place of the mapping, with a cell for each of the mapping's columns;
 * data NULL: NULL. STATUS_INVALID: the text of a column is not what the mapping says: the error
 * names table, row, column and why.
 */
enum status table_stage_row(struct table_stage *stage, uint32_t table, const struct str *cells,
                            struct error *out_error) MUST_CHECK;
/* After the last row: what queries look up by is indexed. */
enum status table_stage_ready(struct table_stage *stage, struct error *out_error) MUST_CHECK;
/* How many rows the table has. */
uint64_t table_stage_rows(const struct table_stage *stage, uint32_t table);

/* A row of a query: a cell for each of its columns, good until the call returns. */
struct table_stage_visitor {
    /* Once, before the rows. */
    enum status (*columns)(void *context, const char *const *names, uint32_t count,
                           struct error *out_error);
    enum status (*row)(void *context, const struct evidence_cell *cells, uint32_t count,
                       struct error *out_error);
    void *context;
};

/* STATUS_INVALID: the query is wrong, or what it was asked for; or what the visitor returned. */
enum status table_stage_query(struct table_stage *stage, uint32_t record,
                              const struct table_stage_visitor *visitor, struct error *out_error)
    MUST_CHECK;

#endif
