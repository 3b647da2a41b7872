/* sqlite_evidence_functions.h - what rules may call in SQL: exact money, coverage; and no more. */
#ifndef ADAPTER_SQLITE_EVIDENCE_FUNCTIONS_H
#define ADAPTER_SQLITE_EVIDENCE_FUNCTIONS_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/status.h"
#include "doctor/manifest.h"

/*
 * Amounts are integers, or texts of digits where 64 bits do not hold them. msum(x), madd(a,b),
 * msub(a,b), mneg(a), mabs(a), mcmp(a,b), mmul(a,n), mscale(a,num,den) and mpow10(a,b); NULL gives
 * NULL, an overflow of 128 bits an error. covered(kind,ts), covered_all(kind), as_of(),
 * window_from(), window_to() follow *manifest, which is looked at with each call.
 */
int sqlite_evidence_functions(sqlite3 *db, struct manifest *const *manifest) MUST_CHECK;

struct sqlite_evidence_guard {
    bool closed;
    uint64_t reads; /* kinds that were read while it was, by bit */
};

/* While the guard is closed, nothing but reading is prepared, and only what is the same each time. It
 * must outlive the connection. */
int sqlite_evidence_authorize(sqlite3 *db, struct sqlite_evidence_guard *guard) MUST_CHECK;

#endif
