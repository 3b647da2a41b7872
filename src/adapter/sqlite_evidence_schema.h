/* sqlite_evidence_schema.h - tables, views and statements of an evidence store. */
#ifndef ADAPTER_SQLITE_EVIDENCE_SCHEMA_H
#define ADAPTER_SQLITE_EVIDENCE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"

/*
 * Tables, indexes and views of the whole schema. in_files: tables are those of the module of
 * sqlite_evidence_table.h, which the database knows already.
 */
enum status sqlite_evidence_schema(sqlite3 *db, bool in_files, struct error *out_error) MUST_CHECK;
/* What is done with the table of one kind. */
enum evidence_statement {
    EVIDENCE_INSERT, /* r, src, h, then all fields */
    EVIDENCE_CITE,   /* h, src, ts of a record */
    EVIDENCE_DROP,   /* records of a hash; gives the src of each */
    EVIDENCE_CLEAR,
};
enum status sqlite_evidence_prepare(sqlite3 *db, uint32_t kind, enum evidence_statement what,
                                    sqlite3_stmt **out_statement, struct error *out_error)
    MUST_CHECK;

#endif
