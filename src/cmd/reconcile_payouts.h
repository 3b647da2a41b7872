/* reconcile_payouts.h - the third way: what a statement's batches come to, against what was paid. */
#ifndef CMD_RECONCILE_PAYOUTS_H
#define CMD_RECONCILE_PAYOUTS_H

#include "adapter/external_sort.h"
#include "cmd/reconcile_pipeline.h"

/*
 * A batch of the statement becomes one line of "ours": its gross less its fees, which is what the
 * bank must show under the batch's name. Lines without a batch are not paid out yet, and counted.
 */
struct reconcile_payouts {
    struct external_sort *sort; /* of the statement's lines by batch; each labelled with it */
    uint64_t unbatched;
};

enum status reconcile_payouts_open(struct reconcile_payouts *payouts, size_t memory_max,
                                   const char *folder, struct error *out_error) MUST_CHECK;
void reconcile_payouts_close(struct reconcile_payouts *payouts);

/* A line of the statement. */
enum status reconcile_payouts_add(struct reconcile_payouts *payouts,
                                  const struct reconcile_line *line, struct str batch,
                                  struct error *out_error) MUST_CHECK;
/* The batches, one after the other; the next one is *out_line when *out_found. */
enum status reconcile_payouts_next(struct reconcile_payouts *payouts,
                                   struct reconcile_line *pending, struct reconcile_line *out_line,
                                   bool *out_found, struct error *out_error) MUST_CHECK;

#endif
