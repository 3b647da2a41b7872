/* remedy.h - what was taken back already: reversals in the evidence, set against what causes touched. */
#ifndef DOCTOR_REMEDY_H
#define DOCTOR_REMEDY_H

#include "doctor/examination.h"

/*
 * The legs of every posted reversal: account, ccy, delta, the transaction that it takes back as
 * payment and that one's idempotency key as key. The legs of a reversal of a reversal are told a
 * second time, of the original transaction: they bring back what its reversal took. The query that
 * doctor_init() prepares for it.
 */
#define REMEDY_QUERY                                                                               \
    "SELECT l.reversal_of AS payment, p.account AS account, p.ccy AS ccy, p.amount AS delta,"      \
    " (SELECT min(o.idem) FROM ledger_tx o WHERE o.tx = l.reversal_of) AS key"                     \
    " FROM ledger_tx l JOIN posting p ON p.tx = l.tx"                                              \
    " WHERE l.type = 'reversal' AND l.state = 'posted' AND l.reversal_of IS NOT NULL"              \
    " UNION ALL"                                                                                   \
    " SELECT r.reversal_of, p.account, p.ccy, p.amount,"                                           \
    " (SELECT min(o.idem) FROM ledger_tx o WHERE o.tx = r.reversal_of)"                            \
    " FROM ledger_tx l JOIN ledger_tx r ON r.tx = l.reversal_of JOIN posting p ON p.tx = l.tx"     \
    " WHERE l.type = 'reversal' AND l.state = 'posted'"                                            \
    " AND r.type = 'reversal' AND r.state = 'posted' AND r.reversal_of IS NOT NULL"

/*
 * Of the causes that were chosen: a row about a transaction that was reversed counts only for what
 * is left of it, and goes when nothing is. The row's payment is the transaction, or else its
 * idempotency key. A reversal is set against one row only. STATUS_LIMIT, or the port's.
 */
enum status remedies_take(struct examination *examination) MUST_CHECK;

#endif
