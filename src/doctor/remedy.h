/* remedy.h - what was taken back already: reversals in the evidence, set against what causes touched. */
#ifndef DOCTOR_REMEDY_H
#define DOCTOR_REMEDY_H

#include "doctor/examination.h"

/*
 * The legs of every posted reversal: account, ccy, delta, and the transaction that it takes back as
 * payment. The query that doctor_init() prepares for it.
 */
#define REMEDY_QUERY                                                                               \
    "SELECT l.reversal_of AS payment, p.account AS account, p.ccy AS ccy, p.amount AS delta"       \
    " FROM ledger_tx l JOIN posting p ON p.tx = l.tx"                                              \
    " WHERE l.type = 'reversal' AND l.state = 'posted' AND l.reversal_of IS NOT NULL"

/*
 * Of the causes that were chosen: a row about a transaction that was reversed counts only for what
 * is left of it, and goes when nothing is. A cause of which nothing is left does not grow any more.
 * A reversal is set against one row only. STATUS_LIMIT, or the port's.
 */
enum status remedies_take(struct examination *examination) MUST_CHECK;

#endif
