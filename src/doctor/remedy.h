/* remedy.h - what was taken back already: reversals in the evidence, set against what causes touched. */
#ifndef DOCTOR_REMEDY_H
#define DOCTOR_REMEDY_H

#include "doctor/examination.h"

/*
 * The legs of every posted reversal: account, ccy, delta, the transaction that it takes back as
 * payment and that one's idempotency key as key. The legs of a reversal of a reversal are told
 * again, of the transaction that the first one took back: they bring back what it took; those of a
 * third take it once more, and so on, 32 deep. The query that doctor_init() prepares for it.
 */
#define REMEDY_QUERY                                                                                  \
    "WITH RECURSIVE back(tx, payment, depth) AS ("                                                    \
    " SELECT tx, reversal_of, 1 FROM ledger_tx"                                                       \
    " WHERE type = 'reversal' AND state = 'posted' AND reversal_of IS NOT NULL"                       \
    " UNION SELECT b.tx, r.reversal_of, b.depth + 1 FROM back b JOIN ledger_tx r ON r.tx = b.payment" \
    " WHERE r.type = 'reversal' AND r.state = 'posted' AND r.reversal_of IS NOT NULL"                 \
    " AND b.depth < 32)"                                                                              \
    " SELECT b.payment AS payment, p.account AS account, p.ccy AS ccy, p.amount AS delta,"            \
    " (SELECT min(o.idem) FROM ledger_tx o WHERE o.tx = b.payment) AS key"                            \
    " FROM back b JOIN posting p ON p.tx = b.tx"

/*
 * Of the causes that were chosen: a row about a transaction that was reversed counts only for what
 * is left of it, and goes when nothing is. The row's payment is the transaction, or else its
 * idempotency key. A reversal is set against one row only. STATUS_LIMIT, or the port's.
 */
enum status remedies_take(struct examination *examination) MUST_CHECK;

#endif
