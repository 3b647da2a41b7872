/* exam_sitting.h - the doctor at its exam: rules and a store that take one case after another. */
#ifndef CMD_EXAM_SITTING_H
#define CMD_EXAM_SITTING_H

#include "base/error.h"
#include "doctor/diagnosis.h"
#include "sim/exam_score.h"

struct exam_sitting;

/* Rules of a folder; NULL: those that are built in. */
enum status exam_sitting_open(const char *rules, struct exam_sitting **out_sitting,
                              struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void exam_sitting_close(struct exam_sitting *sitting);

/*
 * Hands the doctor the evidence of a case, as its bundle would. `without`: a class whose rule
 * is left out, or NAIVE_FAULT_COUNT. The diagnosis is good until the next case.
 */
enum status exam_sitting_take(struct exam_sitting *sitting, const struct naive_case *made,
                              enum naive_fault without, const struct diagnosis **out_diagnosis,
                              struct error *out_error) MUST_CHECK;

/*
 * Of the case that was taken last: takes a record out that a CONFIRMED cause does not count by, and
 * diagnoses again; then one that it cites. Nothing is asked when no cause is CONFIRMED.
 */
enum status exam_sitting_doubt(struct exam_sitting *sitting, uint64_t seed,
                               const struct naive_case *made, struct exam_faith *out_faith,
                               struct error *out_error) MUST_CHECK;

#endif
