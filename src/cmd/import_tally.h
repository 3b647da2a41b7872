/* import_tally.h - what became of an import's rows: counts, the file of refusals, progress. */
#ifndef CMD_IMPORT_TALLY_H
#define CMD_IMPORT_TALLY_H

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/uuid.h"
#include "cmd/import_items.h"
#include "model/admin.h"
#include "model/transfer.h"
#include "port/clock.h"

struct import_tally {
    uint64_t rows;        /* read */
    uint64_t done;        /* with the outcome ok */
    uint64_t refused;     /* with another outcome, or because no ledger would allow it */
    uint64_t not_allowed; /* of the refused: the second */
    uint64_t repeated;    /* of both: had their outcome before */
    uint64_t unreadable;  /* neither an account nor a transfer */
    uint64_t openings;    /* opening transfers done */
    uint64_t openings_refused;
    uint64_t transfer_outcomes[OUTCOME_COUNT]; /* openings included */
    uint64_t account_outcomes[ACCOUNT_OUTCOME_COUNT];
    struct position position; /* of the newest unit */

    /* its own */
    const char *path; /* of the file of refusals; made with the first of them */
    FILE *file;
    bool file_failed;
    bool quiet;
    struct clock *clock;
    struct monotonic_time started;
    struct monotonic_time shown;
};

/* path outlives the tally. quiet: no progress on stderr. */
void import_tally_init(struct import_tally *tally, const char *path, bool quiet,
                       struct clock *clock);
/* Closes the file. STATUS_LIMIT when it could not be written in full. */
enum status import_tally_done(struct import_tally *tally, struct error *out_error) MUST_CHECK;

/* A row that never reaches the ledger; id is nil when it could not be read. */
void import_tally_fault(struct import_tally *tally, uint64_t line, struct uuid id,
                        const struct import_fault *fault);
void import_tally_account(struct import_tally *tally, uint64_t line, struct uuid id,
                          enum account_outcome outcome, bool repeated);
void import_tally_transfer(struct import_tally *tally, uint64_t line, struct uuid id,
                           enum outcome outcome, bool repeated);
/* The opening of the account of this line: not a row of its own. */
void import_tally_opening(struct import_tally *tally, uint64_t line, struct uuid id,
                          enum outcome outcome, bool repeated);

/* At most one line a second, to stderr. */
void import_tally_progress(struct import_tally *tally);
/* The end of it, as text or as one JSON object. */
void import_tally_summary(const struct import_tally *tally, enum import_kind kind, bool json,
                          struct buf *out);

#endif
