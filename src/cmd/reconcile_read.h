/* reconcile_read.h - the lines of one side, out of a CSV file or out of our journal. */
#ifndef CMD_RECONCILE_READ_H
#define CMD_RECONCILE_READ_H

#include "cmd/invocation.h"
#include "doctor/reconcile_row.h"
#include "model/id.h"

enum { RECONCILE_REFUSALS_SHOWN = 20 };

/* A row that is no line, and why. */
struct reconcile_refusal {
    const char *file;
    uint64_t line;
    const char *fault; /* static */
};

struct reconcile_refusals {
    struct reconcile_refusal shown[RECONCILE_REFUSALS_SHOWN];
    uint64_t count;
    uint64_t skipped; /* by skip_kinds */
};

/* batch is the text of the line's batch, "" when it has none; good until visit returns. */
struct reconcile_visitor {
    enum status (*visit)(void *context, const struct reconcile_line *line, struct str batch,
                         struct error *out_error);
    void *context;
};

/*
 * source->mapping is bound to the file here. Rows that are no lines are counted; bytes that are no
 * CSV are STATUS_INVALID with file and line. STATUS_NOT_FOUND, STATUS_UNAVAILABLE, and what the
 * visitor returns.
 */
enum status reconcile_read_csv(const char *path, struct reconcile_source *source,
                               const struct reconcile_visitor *visitor,
                               struct reconcile_refusals *refusals, struct error *out_error)
    MUST_CHECK;

/*
 * Our side from the data folder, also beside a server. psp: every transfer of a payment that
 * moves the clearing account of this PSP, its statements' bookings aside; key is the reference
 * that the PSP knows, ref the PSP's object. account: every entry of it; key is the transfer's
 * user_ref, or its id without one. A debit is more than nothing. STATUS_NOT_FOUND: the journal
 * knows no such PSP or account.
 */
struct reconcile_journal {
    const char *folder;
    const char *psp; /* or NULL, and then */
    struct account_id account;
};
enum status reconcile_read_journal(const struct reconcile_journal *journal,
                                   const struct reconcile_source *source,
                                   const struct reconcile_visitor *visitor,
                                   struct reconcile_refusals *refusals, struct error *out_error)
    MUST_CHECK;

#endif
