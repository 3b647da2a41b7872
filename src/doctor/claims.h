/* claims.h - what causes say is to be posted, and may be nobody's or another cause's. */
#ifndef DOCTOR_CLAIMS_H
#define DOCTOR_CLAIMS_H

#include "doctor/examination.h"

/*
 * The least transaction of a payment, whichever of its names is asked by: transaction, idempotency
 * key, reference of the PSP; NULL where the books have none. The query that doctor_init() prepares.
 */
#define CLAIMS_QUERY                                                                               \
    "WITH named(tx, idem, psp_ref) AS ("                                                           \
    " SELECT tx, idem, psp_ref FROM ledger_tx WHERE tx = :payment"                                 \
    " UNION SELECT tx, idem, psp_ref FROM ledger_tx WHERE idem = :payment"                         \
    " UNION SELECT tx, idem, psp_ref FROM ledger_tx WHERE psp_ref = :payment)"                     \
    " SELECT min(tx) AS payment FROM (SELECT tx FROM named"                                        \
    " UNION ALL SELECT tx FROM ledger_tx WHERE idem IN (SELECT idem FROM named)"                   \
    " UNION ALL SELECT tx FROM ledger_tx WHERE psp_ref IN (SELECT psp_ref FROM named))"

/*
 * Writes barred_by of what the causes touched and their repair would post: an invariant of which a
 * bar has a row for the payment, so that posting it would break that invariant; or the rule of
 * another cause that touched the same payment, under whichever of its names. Causes must have
 * their extents. A payment whose names could not be looked up to the end cuts the extent of every
 * cause that names payments: none of them is posted for.
 */
enum status examine_claims(struct examination *examination) MUST_CHECK;

#endif
