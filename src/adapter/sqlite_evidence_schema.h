/* sqlite_evidence_schema.h - tables, views and statements of an evidence store. */
#ifndef ADAPTER_SQLITE_EVIDENCE_SCHEMA_H
#define ADAPTER_SQLITE_EVIDENCE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"

/* Tables, views and, when `indexes`, indexes of the whole schema. */
enum status sqlite_evidence_schema(sqlite3 *db, bool indexes, struct error *out_error) MUST_CHECK;
enum status sqlite_evidence_index(sqlite3 *db, struct error *out_error) MUST_CHECK;
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
