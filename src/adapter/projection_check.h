/* projection_check.h - whether the typed tables in PostgreSQL say what the journal says. */
#ifndef ADAPTER_PROJECTION_CHECK_H
#define ADAPTER_PROJECTION_CHECK_H

#include "base/error.h"
#include "port/store.h"

struct projection_check_report {
    uint64_t batch;    /* up to which the tables are filled */
    uint64_t head;     /* of the journal */
    uint64_t accounts; /* rows, each as the journal has it; so below */
    uint64_t transfers;
    uint64_t events;
};

/*
 * Reads the journal up to the tables' cursor, and each row beside it; then compares balances and
 * payments with the sums and the newest of those rows. STATUS_CORRUPT names the first difference,
 * in the tables or in the journal. STATUS_NOT_FOUND: the tables were never filled.
 * STATUS_INVALID, STATUS_DENIED, STATUS_UNAVAILABLE.
 */
enum status projection_check(const char *url, uint32_t lane, struct store *journal,
                             struct projection_check_report *out_report, struct error *out_error)
    MUST_CHECK;

/* Up to which batch they are filled by now. As above, but nothing is read of the journal. */
enum status projection_reached(const char *url, uint32_t lane, uint64_t *out_batch,
                               struct error *out_error) MUST_CHECK;

#endif
