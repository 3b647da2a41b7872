/* evidence_scan.h - the lines of a source become the rows of evidence_rows.h, by several threads. */
#ifndef ADAPTER_EVIDENCE_SCAN_H
#define ADAPTER_EVIDENCE_SCAN_H

#include "adapter/evidence_rows.h"

/* What a scan found out of a source. */
struct evidence_scanned {
    uint64_t rows;
    uint64_t rejected;
    uint64_t unknown_fields;
    uint64_t first_reject_line; /* 0: none */
    const char *first_reject;   /* static */
};

/*
 * The lines of a file become the records of a source, in their order, by as many threads as there
 * are cores for it. The file is the rows' own from here on, also on failure. kinds: what the source
 * declares, by bit.
 */
enum status evidence_rows_scan(struct evidence_rows *rows, uint32_t source,
                               const struct evidence_row_source *lines,
                               struct evidence_scanned *out_scanned, struct error *out_error)
    MUST_CHECK;

#endif
