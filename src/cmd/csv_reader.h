/* csv_reader.h - records of a CSV file one at a time: RFC 4180, strict. */
#ifndef CMD_CSV_READER_H
#define CMD_CSV_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Fields are separated by commas, records end in LF or CRLF; a field in double quotes may hold
 * commas, line ends and doubled quotes. A quote anywhere else, a lone CR, a zero byte or an
 * open quote at the end are STATUS_INVALID with the line: what follows could be anything. A
 * byte order mark at the start is skipped; so are empty lines.
 */
enum { CSV_FIELDS_MAX = 64, CSV_RECORD_SIZE_MAX = 1 << 20 };

struct csv_reader {
    struct str fields[CSV_FIELDS_MAX]; /* of the record; good until the next call */
    uint32_t field_count;
    uint64_t line;  /* where the record begins, from 1 */
    uint64_t bytes; /* read from the file and used up */

    /* the reader's own */
    int descriptor;
    struct buf window;
    size_t start;
    size_t end;
    uint64_t next_line;
    bool at_end;
};

/* descriptor is read until its end and stays the caller's. */
void csv_reader_init(struct csv_reader *reader, int descriptor);
void csv_reader_done(struct csv_reader *reader);

/*
 * *out_found is false at the end of the file. STATUS_INVALID: the file is no CSV from here on;
 * STATUS_LIMIT: a record is too long or has too many fields; STATUS_UNAVAILABLE: cannot read.
 */
enum status csv_reader_next(struct csv_reader *reader, bool *out_found, struct error *out_error)
    MUST_CHECK;

#endif
