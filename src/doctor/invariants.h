/* invariants.h - what must hold, asked of the evidence: rows that do not become findings. */
#ifndef DOCTOR_INVARIANTS_H
#define DOCTOR_INVARIANTS_H

#include "doctor/examination.h"

/*
 * Fills the findings and the results of the invariants, and the table `violation` of the evidence.
 * Rows that rest on the absence of what is not covered, and those that are excused, do not count.
 */
enum status examine_invariants(struct examination *examination) MUST_CHECK;

#endif
