/* stripe_statement.h - Stripe's balance transactions of a day as lines of a statement. */
#ifndef PAYMENT_STRIPE_STATEMENT_H
#define PAYMENT_STRIPE_STATEMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "model/psp.h"

/* The path of a page; `after` is "" or the id of the line before. Newest first, as Stripe gives. */
void stripe_statement_path(struct business_date day, const char *after, struct buf *out_path);

/*
 * type                                         is
 * charge, payment                              CHARGE
 * refund, payment_refund                       REFUND
 * refund_failure, payment_failure_refund       REFUND_FAILURE
 * payout                                       PAY_OUT
 * payout_failure, payout_cancel                PAY_OUT_RETURN
 * adjustment of a dispute                      CHARGEBACK; when it adds, CHARGEBACK_REVERSAL
 *
 * A line of another type is STATUS_INVALID: it moves money, and must not be passed over. The
 * reference is metadata[reference] of the source, which is asked for expanded; Stripe copies it
 * from the payment intent to its charge, not to a dispute, whose line has none; the object is the
 * payment intent where there is one. The asset is that of the balance, which may differ from the
 * payment's: Stripe converts.
 *
 * At most limit lines.
 */
struct stripe_page {
    uint32_t count;
    bool more; /* there is another page */
};
enum status stripe_statement_read(struct str body, struct arena *arena, struct psp_line *out_lines,
                                  uint32_t limit, struct stripe_page *out_page,
                                  struct error *out_error) MUST_CHECK;

#endif
