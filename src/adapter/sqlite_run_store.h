/* sqlite_run_store.h - the run_store port over SQLite: index.db, rebuildable, never synced per call. */
#ifndef ADAPTER_SQLITE_RUN_STORE_H
#define ADAPTER_SQLITE_RUN_STORE_H

#include "port/run_store.h"

/*
 * WAL with synchronous=NORMAL: after a power cut it shows what some earlier commit left.
 * Chunks are written in transactions of a few MiB; those of a run that was never committed are
 * removed at open. Each chunk and each row carries a check. A file that is damaged opens all
 * the same: every call then says STATUS_CORRUPT until clear(), which makes a new file.
 */
struct sqlite_run_store_options {
    const char *folder; /* index.db is made in it when missing */
    uint32_t page_size; /* when made; 0: 16 KiB, a chunk of 8 KiB is then read in 8 us */
    const char *vfs;    /* for tests; NULL: SQLite's default */
};

/* STATUS_INVALID: a newer version or another program's file. STATUS_UNAVAILABLE. */
enum status sqlite_run_store_open(const struct sqlite_run_store_options *options,
                                  struct run_store **out_store, struct error *out_error) MUST_CHECK;

/* SQLite's own check of index.db's pages. STATUS_CORRUPT, STATUS_UNAVAILABLE. */
enum status sqlite_run_store_integrity(struct run_store *store, struct error *out_error) MUST_CHECK;

#endif
