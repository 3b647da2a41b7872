/* bench_bundle.h - a bundle of evidence of any size, the same bytes every time, some of it wrong. */
#ifndef CMD_BENCH_BUNDLE_H
#define CMD_BENCH_BUNDLE_H

#include <stdint.h>

#include "base/error.h"

/*
 * Payments into customers' accounts, each with its transaction, two postings, commit, message
 * handled, and line of the PSP: six records. Beside them an account for every twenty, and a hold
 * for every thousand. Wrong are, as far apart as the bundle is large:
 *
 *     a posting by one minor unit                                 I01, and I02 of its account
 *     a balance by a hundred                                      I02
 *     a message, handled twice                                    I13
 *     a transaction in the write-ahead log and in no ledger       I10
 *     a payment that the PSP does not know, one of another amount I18
 *     a hold that stays open past its end                         I05
 */
enum { BENCH_BUNDLE_TRANSACTIONS_MIN = 1000, BENCH_BUNDLE_TRANSACTIONS_MAX = 100000000 };

struct bench_bundle_written {
    uint64_t records;
    uint64_t bytes;
};

/* folder exists and is empty. STATUS_UNAVAILABLE, STATUS_LIMIT. */
enum status bench_bundle_write(const char *folder, uint64_t transactions,
                               struct bench_bundle_written *out_written, struct error *out_error)
    MUST_CHECK;

#endif
