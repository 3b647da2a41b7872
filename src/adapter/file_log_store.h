/* file_log_store.h - the log_store port over files: DIR/log/ as it is served, DIR/log.head apart. */
#ifndef ADAPTER_FILE_LOG_STORE_H
#define ADAPTER_FILE_LOG_STORE_H

#include "port/log_store.h"

/*
 * A file is written beside and renamed. A sync is one call for the whole file system: a second's
 * tiles are thousands, and to sync each would take longer than the journal's own commits.
 * The head has a check of its own and is synced by itself.
 *
 * Makes folder/log when it is missing, unless read_only. STATUS_UNAVAILABLE.
 */
enum status file_log_store_open(const char *folder, bool read_only, struct log_store **out_store,
                                struct error *out_error) MUST_CHECK;

#endif
