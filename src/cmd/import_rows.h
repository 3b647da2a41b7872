/* import_rows.h - the rows of an import file, CSV or NDJSON, as the fields they are mapped to. */
#ifndef CMD_IMPORT_ROWS_H
#define CMD_IMPORT_ROWS_H

#include "base/arena.h"
#include "cmd/csv_reader.h"
#include "cmd/import_mapping.h"

enum import_format { IMPORT_CSV, IMPORT_NDJSON };

struct import_rows {
    /* the row; good until the next call */
    struct str values[IMPORT_FIELD_COUNT]; /* empty: not given */
    uint64_t line;
    const char *fault; /* static: why the row itself is unfit; NULL: it is not */
    uint64_t bytes;    /* of the file, used up so far */

    /* the reader's own */
    enum import_format format;
    struct import_mapping mapping;
    struct csv_reader csv;
    int32_t columns[IMPORT_FIELD_COUNT]; /* of CSV; -1: none */
    uint32_t column_count;
    int descriptor;
    struct buf window; /* of NDJSON */
    size_t start;
    size_t end;
    bool at_end;
    struct arena arena;
    struct buf joined; /* arrays of plain values, joined by '|' */
};

/*
 * For CSV reads the header. STATUS_INVALID: a column that is mapped is not there, or the file
 * is no CSV; STATUS_UNAVAILABLE: cannot read; STATUS_LIMIT. descriptor stays the caller's.
 * import_rows_close() also after a failure.
 */
enum status import_rows_open(struct import_rows *rows, enum import_format format, int descriptor,
                             const struct import_mapping *mapping, struct error *out_error)
    MUST_CHECK;
void import_rows_close(struct import_rows *rows);

/* *out_found is false at the end. As csv_reader_next(); a bad line of NDJSON is a row's fault. */
enum status import_rows_next(struct import_rows *rows, bool *out_found, struct error *out_error)
    MUST_CHECK;

#endif
