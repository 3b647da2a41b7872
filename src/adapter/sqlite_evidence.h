/* sqlite_evidence.h - the evidence of a bundle in SQLite: records in memory, or in their files. */
#ifndef ADAPTER_SQLITE_EVIDENCE_H
#define ADAPTER_SQLITE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "doctor/manifest.h"
#include "port/evidence.h"

/*
 *     sqlite_evidence_open(&options, &store, &error);
 *     for each case:
 *         sqlite_evidence_begin(store, &manifest, &error);
 *         sqlite_evidence_load(store, 0, lines, &error);   for each source: sqlite_evidence_load.h
 *         sqlite_evidence_ready(store, &error);
 *         ... sqlite_evidence_port(store) ...
 *
 * A store is used for many cases after each other: tables and prepared queries stay. One thread
 * at a time.
 */
struct sqlite_evidence_options {
    /*
     * For many records: they stay in the files that they are loaded from (evidence_rows.h), and
     * this is the folder for what is made of them, in files of no name. It must live as long as the
     * store. NULL: records are copied into memory.
     */
    const char *folder;
};

struct sqlite_evidence;

enum {
    /* A source of up to this size is sorted, so that the order of its lines means nothing. */
    SQLITE_EVIDENCE_SORT_MAX = 4 << 20,
    SQLITE_EVIDENCE_QUERIES_MAX = 2048,
};

enum status sqlite_evidence_open(const struct sqlite_evidence_options *options,
                                 struct sqlite_evidence **out_store, struct error *out_error)
    MUST_CHECK;
/* Accepts NULL. */
void sqlite_evidence_close(struct sqlite_evidence *store);

/* Forgets what was loaded. The manifest, with its texts, must live until the next begin. */
enum status sqlite_evidence_begin(struct sqlite_evidence *store, struct manifest *manifest,
                                  struct error *out_error) MUST_CHECK;
enum status sqlite_evidence_ready(struct sqlite_evidence *store, struct error *out_error)
    MUST_CHECK;

/* Good while the store is open; of no use before sqlite_evidence_ready(). */
struct evidence *sqlite_evidence_port(struct sqlite_evidence *store);

#endif
