/* sqlite_endpoint_store.h - the endpoint_store port over SQLite: endpoints.db, for its owner alone. */
#ifndef ADAPTER_SQLITE_ENDPOINT_STORE_H
#define ADAPTER_SQLITE_ENDPOINT_STORE_H

#include "port/endpoint_store.h"

/*
 * WAL with synchronous=FULL, and secure_delete, so that what was a secret is overwritten. The file
 * is made with mode 0600; one that others may read is refused. Each row carries a check; a damaged
 * one is STATUS_CORRUPT, as secrets cannot be made again.
 */
struct sqlite_endpoint_store_options {
    const char *folder; /* endpoints.db is made in it when missing */
    const char *vfs;    /* for tests; NULL: SQLite's default */
    bool read_only;     /* beside whoever writes it: nothing is made */
};

/* STATUS_CORRUPT: also another program's file, or of another version. STATUS_DENIED, STATUS_UNAVAILABLE;
 * of those that are only read also STATUS_NOT_FOUND. */
enum status sqlite_endpoint_store_open(const struct sqlite_endpoint_store_options *options,
                                       struct endpoint_store **out_store, struct error *out_error)
    MUST_CHECK;

#endif
