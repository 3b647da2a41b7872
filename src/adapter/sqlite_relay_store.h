/* sqlite_relay_store.h - the relay_store port over SQLite: relay.db, whose loss costs repeats only. */
#ifndef ADAPTER_SQLITE_RELAY_STORE_H
#define ADAPTER_SQLITE_RELAY_STORE_H

#include "port/relay_store.h"

/*
 * WAL with synchronous=NORMAL: after a power cut it shows what some earlier commit left. Each row
 * carries a check. A file that is damaged, or of another version, is set aside as relay.db.bad and
 * begun anew: everything is then delivered again.
 */
struct sqlite_relay_store_options {
    const char *folder; /* relay.db is made in it when missing */
    const char *vfs;    /* for tests; NULL: SQLite's default */
    bool read_only;     /* beside whoever writes it: nothing is made or set aside */
};

/* *out_begun_anew: it was set aside, which the caller logs. STATUS_UNAVAILABLE, STATUS_INVALID; of
 * those that are only read also STATUS_NOT_FOUND, STATUS_CORRUPT. */
enum status sqlite_relay_store_open(const struct sqlite_relay_store_options *options,
                                    struct relay_store **out_store, bool *out_begun_anew,
                                    struct error *out_error) MUST_CHECK;

#endif
