/* bench_watch.h - payments looked at from outside: what is open, and how long each took to succeed. */
#ifndef CMD_BENCH_WATCH_H
#define CMD_BENCH_WATCH_H

#include "adapter/load_histogram.h"
#include "cmd/session.h"

/* What /metrics says; 0 when it is not there. */
struct bench_counts {
    uint64_t open;  /* payments in any open state */
    uint64_t calls; /* orders and queries to PSPs since the server was started */
};
enum status bench_counts_read(struct session *session, struct bench_counts *out_counts,
                              struct error *out_error) MUST_CHECK;

/*
 * From the journal's events: from the millisecond in which a payment's id was made (a UUIDv7, by
 * the client) to the unit in which it succeeded.
 */
struct bench_ends {
    uint64_t succeeded;
    uint64_t failed;
    uint64_t first_ns; /* wall clock: the first id's, and the last success */
    uint64_t last_ns;
    struct load_histogram took;
};
enum status bench_ends_read(struct session *session, struct bench_ends *out_ends,
                            struct error *out_error) MUST_CHECK;

#endif
