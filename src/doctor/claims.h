/* claims.h - what causes say is to be posted, and may be nobody's or another cause's. */
#ifndef DOCTOR_CLAIMS_H
#define DOCTOR_CLAIMS_H

#include "doctor/examination.h"

/*
 * Writes barred_by of what the causes touched and their repair would post: an invariant of which a
 * bar has a row for the payment, so that posting it would break that invariant; or the rule of
 * another cause that posts for the same payment. Causes must have their extents.
 */
enum status examine_claims(struct examination *examination) MUST_CHECK;

#endif
