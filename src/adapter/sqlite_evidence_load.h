/* sqlite_evidence_load.h - the lines of a source become rows of an evidence store, or rejects. */
#ifndef ADAPTER_SQLITE_EVIDENCE_LOAD_H
#define ADAPTER_SQLITE_EVIDENCE_LOAD_H

#include "adapter/sqlite_evidence.h"

/* Lines are counted as rejects where they are wrong; that is no failure. */
enum status sqlite_evidence_load(struct sqlite_evidence *store, uint32_t source, struct str lines,
                                 struct error *out_error) MUST_CHECK;
/*
 * The file of a source, streamed. STATUS_NOT_FOUND: there is none. STATUS_CORRUPT: digest or size
 * are not the manifest's. The same bytes as a source before: refused, counted, STATUS_OK.
 */
enum status sqlite_evidence_load_file(struct sqlite_evidence *store, uint32_t source,
                                      const char *path, struct error *out_error) MUST_CHECK;
#endif
