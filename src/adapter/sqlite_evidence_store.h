/* sqlite_evidence_store.h - the insides of an evidence store, shared by its loading and asking. */
#ifndef ADAPTER_SQLITE_EVIDENCE_STORE_H
#define ADAPTER_SQLITE_EVIDENCE_STORE_H

#include <sqlite3.h>

#include "adapter/sqlite_evidence.h"
#include "adapter/sqlite_evidence_functions.h"
#include "adapter/sqlite_evidence_table.h"
#include "doctor/record.h"

enum {
    EVIDENCE_SORT_RECORDS_MAX = 8192, /* of a source that is sorted */
    EVIDENCE_PROGRESS_STEPS = 100000,
    EVIDENCE_PROGRESS_MAX = 20000, /* times the above: what one query may cost */
};

struct sqlite_evidence {
    struct evidence port; /* first: the port is the store */
    sqlite3 *db;
    struct manifest *manifest;
    struct manifest nothing; /* what is loaded before the first begin */
    struct record_names names;
    struct arena arena; /* for the texts of one source or line */
    struct evidence_bundle bundle;
    struct evidence_source sources[MANIFEST_SOURCES_MAX];
    struct digest digests[MANIFEST_SOURCES_MAX]; /* of the files loaded */
    int64_t sizes[MANIFEST_SOURCES_MAX];         /* of those with a digest */
    bool has_digest[MANIFEST_SOURCES_MAX];
    sqlite3_stmt *inserts[EVIDENCE_KINDS_MAX];
    sqlite3_stmt *cites[EVIDENCE_KINDS_MAX];
    sqlite3_stmt *clears[EVIDENCE_KINDS_MAX];
    sqlite3_stmt *violate;
    uint64_t loaded; /* kinds that have records, by bit */
    int64_t sequence;
    struct record *batch; /* EVIDENCE_SORT_RECORDS_MAX of them; made when first needed */
    sqlite3_stmt *queries[SQLITE_EVIDENCE_QUERIES_MAX];
    uint64_t reads[SQLITE_EVIDENCE_QUERIES_MAX]; /* of each query: kinds, by bit */
    uint32_t query_count;
    uint32_t progress;
    uint8_t narrowings[SQLITE_EVIDENCE_QUERIES_MAX]; /* of queries: enum narrowing */
    struct evidence_tables *tables;                  /* NULL: records are in memory */
    struct sqlite_evidence_guard guard;
    bool writing;
};

#endif
