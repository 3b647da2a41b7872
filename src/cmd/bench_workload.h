/* bench_workload.h - the load of `tpwallet bench ledger`: callers in this process, a real store. */
#ifndef CMD_BENCH_WORKLOAD_H
#define CMD_BENCH_WORKLOAD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/histogram.h"

enum bench_distribution { BENCH_UNIFORM, BENCH_ZIPFIAN, BENCH_HOT };

struct bench_options {
    const char *folder;    /* an initialised data folder */
    const char *store_url; /* NULL, or the database that has the journal, in a schema of its own */
    uint64_t accounts;
    uint64_t transfers;         /* by the bulk callers together */
    uint32_t batch;             /* transfers per call, 1 to REQUEST_TRANSFERS_MAX */
    uint32_t clients;           /* bulk callers, each waiting for its answer */
    uint32_t threads;           /* that host the bulk callers; 0: a thread for each caller */
    uint32_t singles;           /* callers beside them with one transfer per call */
    uint32_t two_phase_percent; /* of the calls: holds, then posts of those */
    enum bench_distribution distribution;
    bool random_ids;
    bool projection; /* SQL tables follow, in the journal's database */
    bool tlog;       /* the verifiable log follows meanwhile */
    bool sustained;  /* the clock stops when every index has caught up */
    uint64_t seed;
};

struct bench_result {
    uint64_t transfers; /* acknowledged, by all callers */
    uint64_t elapsed_ns;
    uint64_t catch_up_ns;       /* part of elapsed when sustained */
    uint64_t tlog_lag_ns;       /* from the last answer to a checkpoint over all of it */
    uint64_t projected_ns;      /* from the first call until the SQL tables have all; 0: none */
    uint64_t projection_lag_ns; /* of that, behind the last answer */
    struct histogram calls;     /* latency of a bulk call */
    struct histogram singles;   /* latency of a single call */
    uint64_t refused;           /* by an outcome other than ok */
    uint64_t journal_bytes;
    uint64_t slice_bytes;
    uint64_t disk_bytes; /* written by this process, as the kernel counts */
    uint64_t resident_bytes;
    uint64_t commits;
    uint64_t commit_ns_total;
};

/* Makes the accounts, runs the load, and returns with the folder still open: as a crash would. */
enum status bench_load(const struct bench_options *options, struct bench_result *out_result,
                       struct error *out_error) MUST_CHECK;

/* Opens the folder and closes it again: how long recovery took, and what it found. */
struct bench_recovery {
    uint64_t elapsed_ns;
    uint64_t replayed_records;
    uint64_t accounts;
};
enum status bench_recover(const struct bench_options *options, struct bench_recovery *out_recovery,
                          struct error *out_error) MUST_CHECK;

#endif
